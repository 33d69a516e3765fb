package crm

import "context"

// History is how an item came to be.
type History struct {
	Reading *Reading
}

// History reads how an item came to be, with one request.
func (s *Source) History(ctx context.Context, v Viewer, ref Ref) (*History, error) {
	reading, _, err := s.view(ctx, v, ref)
	if err != nil {
		return nil, err
	}
	return &History{Reading: reading}, nil
}
