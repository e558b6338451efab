package watch

import (
	"io/fs"

	"github.com/gofrs/flock"
)

// syncDirectory does nothing: Windows has no such call, and NTFS journals the names of files by itself.
func syncDirectory(string) error { return nil }

// lockOpened does nothing: locks of Windows keep others from reading, and NAME.lock cannot be removed while it is open.
func lockOpened(string, fs.FileInfo) (*flock.Flock, error) { return nil, nil } //nolint:nilnil // no lock, and no error
