package main

import (
	"context"
	"fmt"

	"itemlens/internal/config"
	"itemlens/internal/secret"
)

// printKeyset prints a secret: that is what the command is for.
func printKeyset(p printer, make func() (secret.Text, error)) error {
	keyset, err := make()
	if err != nil {
		return err
	}
	return p.print(map[string]string{"keyset": keyset.Reveal()}, "%s", keyset.Reveal())
}

// rotate encrypts everything with the newest key.
func rotate(ctx context.Context, raw config.Raw, p printer) error {
	store, err := openSealedStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	resealed, unreadable, err := store.Reseal(ctx)
	if err != nil {
		return err
	}
	if err := p.print(map[string]int{"encrypted": resealed, "unreadable": unreadable}, "%d rows encrypted with the newest key", resealed); err != nil {
		return err
	}
	if unreadable > 0 {
		return fmt.Errorf("%d rows cannot be decrypted with any key of ITEMLENS_KEYSET and were left unchanged", unreadable)
	}
	return nil
}
