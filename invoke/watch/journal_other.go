//go:build !windows

package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
)

// syncDirectory makes it durable that a file was created in the directory.
func syncDirectory(name string) error {
	dir, err := os.Open(name) //nolint:gosec // the operator names the journal
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// lockOpened locks the file at path, of which info tells which one was opened. It is a lock that only those see who take it, too: others
// may read, and rename.
func lockOpened(path string, info fs.FileInfo) (*flock.Flock, error) {
	lock := flock.New(path, flock.SetFlag(os.O_RDWR)) // not to create it anew: it would not be the one that was opened
	if err := take(lock); err != nil {
		return nil, err
	}
	locked, err := lock.Stat()
	if err == nil && !os.SameFile(locked, info) {
		err = fmt.Errorf("%s was replaced while it was opened", path)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return lock, nil
}
