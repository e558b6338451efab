//go:build !windows

package watch

import (
	"errors"
	"os"
)

// syncDirectory makes it durable that a file was created in the directory.
func syncDirectory(name string) error {
	dir, err := os.Open(name) //nolint:gosec // the operator names the journal
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
