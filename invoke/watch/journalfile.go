package watch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
)

// resolve returns the path of the file that name leads to, whether it is there or not. Two names of one file have one lock then.
func resolve(name string) (string, error) {
	const most = 40 // as many links as Linux follows
	for range most {
		path, err := filepath.EvalSymlinks(name)
		switch {
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", naming(name, err)
		}
		target, err := os.Readlink(name)
		if err != nil { // no link: a file that is to be created
			dir, err := filepath.EvalSymlinks(filepath.Dir(name))
			return filepath.Join(dir, filepath.Base(name)), naming(name, err)
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		name = target
	}
	return "", &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
}

// naming returns err with the name in it: EvalSymlinks does not always tell what its error is about.
func naming(name string, err error) error {
	if _, named := errors.AsType[*fs.PathError](err); named || err == nil {
		return err
	}
	return &fs.PathError{Op: "open", Path: name, Err: err}
}

// lockFile locks the file of that name, which it creates.
func lockFile(name string) (*flock.Flock, error) {
	lock := flock.New(name, flock.SetPermissions(0o600))
	if err := take(lock); err != nil {
		if errors.Is(err, ErrJournalInUse) {
			return nil, err
		}
		return nil, fmt.Errorf("the lock beside the journal: %w", err)
	}
	return lock, nil
}

// take takes a lock, or tells that another has it.
func take(lock *flock.Flock) error {
	locked, err := lock.TryLock()
	if err == nil && !locked {
		return fmt.Errorf("%s: %w", lock.Path(), errors.Join(ErrJournalInUse, lock.Close()))
	}
	return err
}

// A disk is what a journal needs of an [os.File].
type disk interface {
	io.Writer
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Sync() error
	Truncate(size int64) error
}

// A journalFile is the file of a journal.
type journalFile struct {
	path string
	disk disk
	// lock is held on the file itself, whatever its name is by now; nil where the system has none that lets others read.
	lock *flock.Flock
	// size is where the last whole line ends, as far as we have written it.
	size int64
	// torn says that a part of a line may stand behind that: it could not be cut off.
	torn bool
	// open opens the file at path, which may be new.
	open func(path string) (disk, error)
}

// openJournalFile opens the file, or creates it.
func openJournalFile(path string) (*journalFile, error) {
	f := &journalFile{path: path, open: openDisk}
	return f, f.reopen()
}

// openDisk opens a regular file for appending, or creates it. To create one is durable only once its directory is.
func openDisk(path string) (disk, error) {
	there, err := regular(path) // first: to open a pipe would wait for its reader
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // the operator names the journal
	if err != nil {
		return nil, err
	}
	if !there {
		if err := syncDirectory(filepath.Dir(path)); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	return file, nil
}

// regular tells whether there is something at path, which must be a regular file then: a journal is read, cut and synced.
func regular(path string) (there bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case info.IsDir():
		return false, &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return false, &fs.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	return true, nil
}

var errNotRegular = errors.New("is not a regular file")

// reopen opens and locks what stands at the path now, and only then lets go what it had. The error is [ErrJournalInUse] when another
// watcher was there first.
func (f *journalFile) reopen() error {
	opened, err := f.open(f.path)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	lock, err := lockOpened(f.path, info)
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	if f.disk != nil {
		_ = f.Close() // it was synced with each line
	}
	f.disk, f.lock, f.size = opened, lock, info.Size()
	return nil
}

// Close closes the file and gives its lock back.
func (f *journalFile) Close() error {
	err := f.disk.Close()
	if f.lock == nil {
		return err
	}
	return errors.Join(err, f.lock.Unlock())
}

// reader reads the file from its beginning up to where it ends now.
func (f *journalFile) reader() io.Reader { return io.NewSectionReader(f.disk, 0, f.size) }

// sync makes what was written durable.
func (f *journalFile) sync() error { return f.disk.Sync() }

// mend cuts off what follows the first size bytes, a part of a line. Where a file can only grow, it ends the part as a line of its own.
func (f *journalFile) mend(size int64) error {
	if f.disk.Truncate(size) == nil {
		f.size = size
		return f.disk.Sync()
	}
	return f.end()
}

// end writes a line end.
func (f *journalFile) end() error {
	if _, err := f.disk.Write([]byte{'\n'}); err != nil {
		return err
	}
	f.size++
	return f.disk.Sync()
}

// append writes lines, in order, and returns how many of them are on the disk. It leaves no part of a line behind, if that can be.
func (f *journalFile) append(list []*entry) (n int, err error) {
	if err := f.prepare(); err != nil {
		return 0, err
	}
	size := f.size
	for n < len(list) && err == nil {
		var written int
		var bytes int64
		written, bytes, err = f.write(list[n:])
		n += written
		size += bytes
	}
	if err != nil {
		f.torn = f.disk.Truncate(size) != nil // prepare tries again
	}
	// What an error of Sync leaves on the disk nobody knows, and to sync again would not tell: it is cut off and written anew.
	if syncErr := f.disk.Sync(); syncErr != nil {
		f.torn = f.disk.Truncate(f.size) != nil
		return 0, errors.Join(err, syncErr)
	}
	f.size = size
	return n, err
}

// write writes the first lines of list, about 1 MiB of them, at once. It returns how many whole lines were written, and their bytes.
func (f *journalFile) write(list []*entry) (n int, size int64, err error) {
	const most = 1 << 20
	var text []byte
	count := 0
	for count < len(list) && (count == 0 || len(text)+len(list[count].line) <= most) {
		text = append(text, list[count].line...)
		count++
	}
	written, err := f.disk.Write(text)
	for n < count && size+int64(len(list[n].line)) <= int64(written) {
		size += int64(len(list[n].line))
		n++
	}
	return n, size, err
}

// prepare makes sure that the file is the one at the path, and that it ends with a line end.
func (f *journalFile) prepare() error {
	info, err := f.disk.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	at, err := os.Stat(f.path)
	switch {
	case err != nil || !os.SameFile(at, info):
		// It was renamed or removed. What stands there now may hold something already, and size is all that is known of it.
		if err := f.reopen(); err != nil {
			return err
		}
		size, f.size, f.torn = f.size, 0, false
	case f.torn && f.disk.Truncate(f.size) == nil:
		size, f.torn = f.size, false
	}
	if size == f.size || size == 0 {
		f.size = size
		return nil
	}
	// Another program wrote into the file, or cut it, or the file can only grow.
	last := make([]byte, 1)
	if _, err := f.disk.ReadAt(last, size-1); err != nil {
		return err
	}
	if last[0] != '\n' {
		n, err := f.disk.Write([]byte{'\n'})
		if err != nil {
			return err
		}
		size += int64(n)
	}
	f.size, f.torn = size, false
	return nil
}
