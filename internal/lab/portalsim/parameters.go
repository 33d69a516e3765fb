package portalsim

import (
	"io"
	"net/http"
	"strings"
)

// restParams reads parameters from the query and from a JSON or form body.
func restParams(w http.ResponseWriter, r *http.Request) (*object, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	params := newObject()
	decodeQuery(params, r.URL.RawQuery)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") && len(body) > 0 {
		value, err := decodeJSON(body)
		if err != nil {
			return nil, err
		}
		if nested, ok := value.(*object); ok {
			for _, key := range nested.keys {
				params.set(key, nested.values[key])
			}
		}
		return params, nil
	}
	decodeQuery(params, string(body))
	return params, nil
}
