package watch

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/gofrs/flock"
)

// ErrJournalInUse says that another process has the journal open.
var ErrJournalInUse = errors.New("the journal is in use by another watcher")

// ErrNotJournal says that a file begins with text that no watcher has written. It is left as it is.
var ErrNotJournal = errors.New("this is no journal of a watch: it does not begin with an event")

// maxWaiting bounds the lines that a full disk makes wait in memory, in bytes.
const maxWaiting = 64 << 20

// A Journal is an append-only file of events, one line of JSON each, that outlives crashes. What [Journal.Append] has taken is on
// the disk, once. Use [OpenJournal]; all methods may be called from several goroutines.
//
// While it is open, nobody else can open it: a lock is held on the file NAME.lock beside it, which stays, empty, after Close. Except on
// Windows one is held on the journal, too, lest somebody remove that file. A program that only reads, with [ReadJournal], needs no
// lock. The journal may be renamed or removed meanwhile, as programs that rotate logs do: the next Append begins it anew, takes the
// lock of the new one, and remembers what the old one held. When another watcher has the new one already, its error is
// [ErrJournalInUse].
type Journal struct {
	path    string // symbolic links resolved
	lock    *flock.Flock
	torn    int64
	damaged int

	// writing is held by the goroutine that writes what all wait for, and guards the file.
	writing sync.Mutex
	file    *journalFile

	// mu guards what follows. It is never held while the disk works.
	mu      sync.Mutex
	known   map[journalKey]struct{} // on the disk
	pending map[journalKey]*entry   // in queue, or being written
	queue   []*entry                // to be written, in order
	room    int                     // for what waits, in bytes: maxWaiting
	lost    int
	closed  bool
}

// A journalKey stands for an ID: a watch of years knows millions. An ID holds words of hosts, so that nothing weaker will do.
type journalKey [16]byte

func newKey(id string) journalKey {
	sum := sha256.Sum256([]byte(id))
	return journalKey(sum[:])
}

// An entry is a line on its way to the disk.
type entry struct {
	key   journalKey
	line  []byte // with its line end
	tried bool   // err tells how it went
	err   error
}

// OpenJournal opens the journal of that name for writing, and creates it, mode 0600, if it is not there. It must be a regular file,
// and symbolic links are followed. The error is [ErrJournalInUse] when another Journal has it open, and [ErrNotJournal] when it is
// somebody else's file.
//
// The file is read once, line by line. Bytes after the last line end, which a crash leaves, are completed when they are a whole
// event and cut off when they are not; see [Journal.Torn]. Lines that are no events are kept; see [Journal.Damaged].
func OpenJournal(name string) (*Journal, error) {
	path, err := resolve(name)
	if err != nil {
		return nil, err
	}
	if _, err := regular(path); err != nil {
		return nil, err // before a lock appears beside it
	}
	j := &Journal{path: path, room: maxWaiting, known: map[journalKey]struct{}{}, pending: map[journalKey]*entry{}}
	if j.lock, err = lockFile(path + ".lock"); err != nil {
		return nil, err
	}
	if err := j.open(); err != nil {
		return nil, errors.Join(err, j.lock.Unlock())
	}
	return j, nil
}

// open opens the file, reads the IDs and mends the end.
func (j *Journal) open() error {
	file, err := openJournalFile(j.path)
	if err != nil {
		return err
	}
	j.file = file
	if err := j.load(); err != nil {
		return errors.Join(err, file.Close())
	}
	return nil
}

// load reads the IDs and mends the end of the file, once it is sure that this is a journal.
func (j *Journal) load() error {
	r := newLineReader(j.file.reader())
	mend, headless := j.file.sync, false
	for {
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", j.path, err)
		}
		id, wrong := lineID(line.text)
		if !line.ended {
			mend = j.file.end
		}
		switch {
		case wrong != nil && line.unfinished():
			j.torn = line.size
			mend = func() error { return j.file.mend(r.offset - line.size) }
		case line.blank():
		case (wrong != nil || line.tooLong) && len(j.known) == 0 && !line.begun():
			return fmt.Errorf("%s: %w", j.path, ErrNotJournal)
		case wrong != nil || line.tooLong:
			headless = headless || len(j.known) == 0
			j.damaged++
		default:
			j.known[newKey(id)] = struct{}{}
		}
	}
	if headless && j.damaged > len(j.known) {
		return fmt.Errorf("%s: %w", j.path, ErrNotJournal)
	}
	return mend()
}

// Torn returns how many bytes OpenJournal has cut off the end of the file: a line that a crash had left unfinished, and that was
// never acknowledged.
func (j *Journal) Torn() int64 { return j.torn }

// Damaged returns how many lines OpenJournal has found that are not events, or are longer than 64 MiB. They stay where they are.
func (j *Journal) Damaged() int { return j.damaged }

// Recorded tells whether the journal has a line of that ID, or keeps one in memory until there is room for it.
func (j *Journal) Recorded(id string) bool {
	key := newKey(id)
	j.mu.Lock()
	defer j.mu.Unlock()
	_, known := j.known[key]
	return known || j.pending[key] != nil
}

// Append writes a line, which must be a JSON object without line ends whose member "id" is id, and returns when it is on the disk.
// A line of an ID that is there already is not written again. What several goroutines append at once goes to the disk together.
//
// After an error the line is kept in memory, and written before the next one when that can be; see [Journal.Unwritten]. Lines for
// which there is no room in memory either, which has 64 MiB for them, are not kept, and their error says so.
func (j *Journal) Append(id string, line []byte) error { return j.AppendAll(Record{id, line}) }

// A Record is a line for a journal, with the ID that stands in it.
type Record struct {
	ID   string
	Line []byte
}

// AppendAll is [Journal.Append] for several records, which go to the disk together and in order. Each is written, or kept, whatever
// becomes of the others; the error is the first.
func (j *Journal) AppendAll(records ...Record) error {
	var first error
	entries := make([]*entry, 0, len(records))
	for _, r := range records {
		e, err := j.enqueue(r.ID, r.Line)
		if err != nil {
			first = cmp.Or(first, err)
			continue
		}
		entries = append(entries, e)
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	tried := !slices.ContainsFunc(entries, func(e *entry) bool { return !e.tried })
	j.mu.Unlock()
	if !tried { // else the goroutine that wrote before us wrote for us, too
		j.commit()
	}
	for _, e := range entries {
		first = cmp.Or(first, e.err) // of an attempt that has ended, and writing keeps off the next
	}
	return first
}

// enqueue returns the entry of id; of one that is there already, an entry that was written.
func (j *Journal) enqueue(id string, line []byte) (*entry, error) {
	key := newKey(id)
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.known[key]; ok {
		return &entry{tried: true}, nil
	}
	if j.closed {
		return nil, errors.New("the journal is closed")
	}
	e := j.pending[key]
	if e == nil {
		copied, err := newLine(id, line)
		if err != nil {
			return nil, err
		}
		e = &entry{key: key, line: copied}
		j.pending[key] = e
		j.queue = append(j.queue, e)
	}
	e.tried = false
	return e, nil
}

// commit writes the queue. Its caller holds writing.
func (j *Journal) commit() {
	j.mu.Lock()
	batch := j.queue
	j.queue = nil
	j.mu.Unlock()

	n, err := j.file.append(batch)

	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range batch[:n] {
		e.tried, e.err = true, nil
		delete(j.pending, e.key)
		j.known[e.key] = struct{}{}
	}
	var kept []*entry
	room := j.room
	for _, e := range batch[n:] {
		e.tried, e.err = true, err
		if room -= len(e.line); room >= 0 {
			kept = append(kept, e)
			continue
		}
		delete(j.pending, e.key)
		j.lost++
		e.err = fmt.Errorf("%w; and so many lines wait already that this one is not kept", err)
	}
	j.queue = append(kept, j.queue...)
}

// Unwritten returns how many lines are not on the disk: those that wait in memory for room on it, and those that were not kept.
func (j *Journal) Unwritten() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.pending) + j.lost
}

// Close writes what waits for room on the disk, if there is some now, closes the journal and gives its lock back. What could not be
// written is lost then, and is the error.
func (j *Journal) Close() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	closed, waiting := j.closed, len(j.queue)
	j.closed = true
	j.mu.Unlock()
	if closed {
		return nil
	}
	if waiting > 0 {
		j.commit()
	}
	var err error
	j.mu.Lock()
	if n := len(j.queue); n > 0 {
		err = fmt.Errorf("%d lines of %s were not written: %w", n, j.path, j.queue[0].err)
	}
	j.mu.Unlock()
	return errors.Join(err, j.file.Close(), j.lock.Unlock())
}
