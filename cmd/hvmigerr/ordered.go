package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// maxHeld bounds how many bytes of answers wait in memory for those of hosts before them. The rest waits in a file.
const maxHeld = 16 << 20

// A block is what is printed of one host.
type block struct {
	out  []byte // for stdout
	note string // one line for stderr, "" for none
}

// An ordered hands on blocks in the order of their numbers, from 0 up, in whatever order they come. Each number comes once.
type ordered struct {
	write func(b block) error
	limit int // of held
	// full is told, once, why what waits from now on waits in memory, whatever the limit; nil where nobody wants to know.
	full func(err error)

	next    int // whose turn it is
	waiting map[int]*held
	held    int // bytes of those that wait in memory
	spill   spill
}

// A held is a block before its turn: as it is, or where it stands in the file.
type held struct {
	block     block
	spilt     bool
	offset    int64
	out, note int // lengths in the file, where the note comes after the rest
}

func (b *block) size() int { return len(b.out) + len(b.note) }

func newOrdered(limit int, write func(b block) error) *ordered {
	return &ordered{write: write, limit: limit, waiting: map[int]*held{}}
}

// put takes the block of number i, and hands on all whose turn has come. The error is that of write, or of a file that cannot be
// read back.
func (o *ordered) put(i int, b block) error {
	if i != o.next {
		o.hold(i, b)
		return nil
	}
	for {
		if err := o.write(b); err != nil {
			return err
		}
		o.next++
		h, ready := o.waiting[o.next]
		if !ready {
			return nil
		}
		delete(o.waiting, o.next)
		var err error
		if b, err = o.take(h); err != nil {
			return err
		}
	}
}

// hold keeps a block until its turn: in memory, or in the file when there is too much. One that cannot be written there stays in
// memory: nothing is lost.
func (o *ordered) hold(i int, b block) {
	h := &held{block: b}
	o.waiting[i] = h
	if o.held+b.size() > o.limit {
		var err error
		if h.offset, err = o.spill.write(slices.Concat(b.out, []byte(b.note))); err == nil {
			h.spilt, h.out, h.note, h.block = true, len(b.out), len(b.note), block{}
			return
		}
		if o.full != nil && !errors.Is(err, errNoSpill) {
			o.full(err)
		}
	}
	o.held += b.size()
}

// take returns a block whose turn has come.
func (o *ordered) take(h *held) (block, error) {
	if !h.spilt {
		o.held -= h.block.size()
		return h.block, nil
	}
	b, err := o.spill.read(h.offset, h.out+h.note)
	if err != nil {
		return block{}, err
	}
	return block{b[:h.out], string(b[h.out:])}, nil
}

// close removes the file.
func (o *ordered) close() { o.spill.close() }

// A spill is a temporary file for bytes that are read back once, each in the order of the caller. The zero value is ready; the
// file is made when it is needed first.
type spill struct {
	dir    string // "" for the system's
	file   *os.File
	name   string // "" when it has been removed already
	end    int64
	unread int  // how many pieces are still to be read
	broken bool // it could not be made, or written; it is not tried again
}

// errNoSpill says that the file could not be written before.
var errNoSpill = errors.New("no temporary file")

// write appends b and returns where it stands.
func (s *spill) write(b []byte) (int64, error) {
	if s.broken {
		return 0, errNoSpill
	}
	if err := s.create(); err != nil {
		s.broken = true
		return 0, err
	}
	if s.unread == 0 {
		s.end = 0 // what stands there has been read
	}
	offset := s.end
	if _, err := s.file.WriteAt(b, offset); err != nil {
		s.broken = true
		return 0, err
	}
	s.end += int64(len(b))
	s.unread++
	return offset, nil
}

// create makes the file, for its owner alone. Where the system can, its name is removed at once, so that it is gone however the
// program ends.
func (s *spill) create() error {
	if s.file != nil {
		return nil
	}
	f, err := os.CreateTemp(s.dir, "hvmigerr-*")
	if err != nil {
		return err
	}
	s.file = f
	if os.Remove(f.Name()) != nil { // Windows removes no open file
		s.name = f.Name()
	}
	return nil
}

// read returns size bytes at offset. What has been read is forgotten.
func (s *spill) read(offset int64, size int) ([]byte, error) {
	b := make([]byte, size)
	if _, err := s.file.ReadAt(b, offset); err != nil {
		return nil, fmt.Errorf("reading back an answer from a temporary file: %w", err)
	}
	s.unread--
	return b, nil
}

// close closes the file and removes it. An error changes nothing: all was read, or is of no use any more.
func (s *spill) close() {
	if s.file == nil {
		return
	}
	_ = s.file.Close()
	if s.name != "" {
		_ = os.Remove(s.name)
	}
	s.file = nil
}
