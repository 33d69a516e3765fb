// Package seal encrypts secrets at rest with Google Tink (AES-256-GCM) under a keyset: the newest key seals, every key
// of the set opens. What is sealed is bound to its place (portal, user, column), so that a sealed value copied to
// another row does not open there.
package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"itemlens/internal/secret"
)

// ErrUnreadable is returned for a value that no key of the keyset opens at this place.
var ErrUnreadable = errors.New("sealed value does not open: wrong key, or not sealed for this place")

// Sealer seals and opens. It is safe for concurrent use.
type Sealer struct {
	aead  tink.AEAD
	keyID uint32
	known []int64
}

// Generate makes a keyset with one new key, as New takes it.
func Generate() (secret.Text, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return secret.Text{}, fmt.Errorf("generate keyset: %w", err)
	}
	return encode(handle)
}

// Extend adds a new key to a keyset, which seals from then on; the older ones go on opening what they sealed.
func Extend(encoded secret.Text) (secret.Text, error) {
	return change(encoded, func(m *keyset.Manager, _ *keyset.Handle) error {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		return m.SetPrimary(id)
	})
}

// Prune drops every key but the newest. What the others sealed does not open any more: re-seal it first.
func Prune(encoded secret.Text) (secret.Text, error) {
	return change(encoded, func(m *keyset.Manager, h *keyset.Handle) error {
		info := h.KeysetInfo()
		for _, key := range info.GetKeyInfo() {
			if key.GetKeyId() == info.GetPrimaryKeyId() {
				continue
			}
			if err := m.Delete(key.GetKeyId()); err != nil {
				return err
			}
		}
		return nil
	})
}

func change(encoded secret.Text, do func(*keyset.Manager, *keyset.Handle) error) (secret.Text, error) {
	handle, err := decode(encoded)
	if err != nil {
		return secret.Text{}, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := do(manager, handle); err != nil {
		return secret.Text{}, fmt.Errorf("change keyset: %w", err)
	}
	if handle, err = manager.Handle(); err != nil {
		return secret.Text{}, fmt.Errorf("change keyset: %w", err)
	}
	return encode(handle)
}

func encode(handle *keyset.Handle) (secret.Text, error) {
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&out)); err != nil {
		return secret.Text{}, fmt.Errorf("write keyset: %w", err)
	}
	return secret.New(base64.StdEncoding.EncodeToString(out.Bytes())), nil
}

// decode reads a keyset. The error never holds a part of it.
func decode(encoded secret.Text) (*keyset.Handle, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded.Reveal()))
	if err != nil || len(raw) == 0 {
		return nil, errors.New("the keyset is no base64 text; make one with `app keys generate`")
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, errors.New("the keyset cannot be read; make one with `app keys generate`")
	}
	return handle, nil
}

// New reads a keyset: a Tink keyset in its binary form, in base64.
func New(encoded secret.Text) (*Sealer, error) {
	handle, err := decode(encoded)
	if err != nil {
		return nil, err
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, errors.New("the keyset is not for authenticated encryption (AEAD)")
	}
	s := &Sealer{aead: primitive, keyID: handle.KeysetInfo().GetPrimaryKeyId()}
	for _, key := range handle.KeysetInfo().GetKeyInfo() {
		s.known = append(s.known, int64(key.GetKeyId()))
	}
	return s, nil
}

// KeyIDs are the ids of all keys of the keyset.
func (s *Sealer) KeyIDs() []int64 { return s.known }

// KeyID is the id of the key that seals now; it is stored beside what it sealed.
func (s *Sealer) KeyID() int64 { return int64(s.keyID) }

// Place is where a sealed value belongs.
type Place struct {
	MemberID string
	UserID   int64 // 0 for values of the portal itself
	Column   string
}

func (p Place) bytes() []byte {
	return fmt.Appendf(nil, "itemlens\x00%s\x00%d\x00%s", p.MemberID, p.UserID, p.Column)
}

// Seal encrypts a secret for its place; no secret is sealed to nil.
func (s *Sealer) Seal(text secret.Text, at Place) ([]byte, error) {
	if text.IsZero() {
		return nil, nil
	}
	sealed, err := s.aead.Encrypt([]byte(text.Reveal()), at.bytes())
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", at.Column, err)
	}
	return sealed, nil
}

// Open decrypts what Seal made for the same place; nil opens to no secret. Errors wrap ErrUnreadable.
func (s *Sealer) Open(sealed []byte, at Place) (secret.Text, error) {
	if sealed == nil {
		return secret.Text{}, nil
	}
	text, err := s.aead.Decrypt(sealed, at.bytes())
	if err != nil {
		return secret.Text{}, fmt.Errorf("open %s: %w", at.Column, ErrUnreadable)
	}
	return secret.New(string(text)), nil
}
