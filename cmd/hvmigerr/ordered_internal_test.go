// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// orderedCase is what a property test of ordered runs on: as many hosts, in a random order, with answers of random length.
type orderedCase struct {
	hosts, longest, limit int
	dir                   string // of the temporary file
}

// run puts the blocks in a random order and checks that they come in theirs. It returns how many bytes were held in memory at most, and
// how long the file became.
func (c *orderedCase) run(t *testing.T, seed uint64) (most int, longest int64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	want := make([]block, c.hosts)
	for i := range want {
		want[i] = block{out: bytes.Repeat([]byte{byte(i)}, r.IntN(c.longest)), note: fmt.Sprint("note ", i)}
	}
	next := 0
	o := newOrdered(c.limit, func(b block) error {
		if !bytes.Equal(b.out, want[next].out) || b.note != want[next].note {
			t.Fatalf("seed %d: %q with %d bytes, want %q with %d", seed, b.note, len(b.out), want[next].note, len(want[next].out))
		}
		next++
		return nil
	})
	o.spill.dir = c.dir
	defer o.close()
	for put, i := range r.Perm(c.hosts) {
		if err := o.put(i, want[i]); err != nil {
			t.Fatal(err)
		}
		most, longest = max(most, o.held), max(longest, o.spill.end)
		if put+1 < c.hosts && next == c.hosts {
			t.Fatalf("seed %d: all were handed on when %d had come", seed, put+1)
		}
	}
	if next != c.hosts || o.held != 0 || len(o.waiting) != 0 || o.spill.unread != 0 {
		t.Errorf("seed %d: %d of %d were handed on; %d bytes, %d blocks and %d pieces are left", seed, next, c.hosts, o.held, len(o.waiting), o.spill.unread)
	}
	return most, longest
}

// TestOrdered: whatever the order of arrival, each block comes once and in its turn, and memory holds no more than the limit.
func TestOrdered(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		c := &orderedCase{hosts: int(seed%40) + 1, longest: 300, limit: int(seed%5) * 500, dir: t.TempDir()}
		if most, _ := c.run(t, seed); most > c.limit {
			t.Errorf("seed %d: %d bytes held in memory, want at most %d", seed, most, c.limit)
		}
	}
}

// TestOrderedInMemory: below the limit there is no file.
func TestOrderedInMemory(t *testing.T) {
	t.Parallel()
	c := &orderedCase{hosts: 100, longest: 100, limit: 100 * 110, dir: filepath.Join(t.TempDir(), "nosuch")}
	if _, longest := c.run(t, 1); longest != 0 {
		t.Errorf("the file had %d bytes, want none", longest)
	}
}

// TestOrderedWithoutFile: where no file can be made, memory takes all of it.
func TestOrderedWithoutFile(t *testing.T) {
	t.Parallel()
	c := &orderedCase{hosts: 100, longest: 100, limit: 10, dir: filepath.Join(t.TempDir(), "nosuch")}
	if most, longest := c.run(t, 1); most <= c.limit || longest != 0 {
		t.Errorf("%d bytes in memory and %d in the file, want all in memory", most, longest)
	}
}

// TestOrderedReversed: the file is used anew once all in it has been read.
func TestOrderedReversed(t *testing.T) {
	t.Parallel()
	o := newOrdered(0, func(block) error { return nil })
	o.spill.dir = t.TempDir()
	defer o.close()
	for begin := 0; begin < 100; begin += 10 {
		for i := begin + 9; i >= begin; i-- {
			if err := o.put(i, block{out: make([]byte, 10)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if o.next != 100 || o.spill.end != 90 {
		t.Errorf("%d handed on, and a file of %d bytes; want 100 and 90", o.next, o.spill.end)
	}
}

// TestOrderedFails: an error of whoever writes, and of the file, comes back.
func TestOrderedFails(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	o := newOrdered(100, func(b block) error { return map[bool]error{true: full}[len(b.out) > 0] })
	if err := o.put(1, block{out: []byte("x")}); err != nil {
		t.Errorf("put(1) = %v before its turn", err)
	}
	if err := o.put(0, block{}); !errors.Is(err, full) {
		t.Errorf("put(0) = %v, want %v of number 1", err, full)
	}
	o = newOrdered(0, func(block) error { return nil })
	o.spill.dir = t.TempDir()
	if err := o.put(1, block{out: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	_ = o.spill.file.Truncate(0)
	if err := o.put(0, block{}); err == nil {
		t.Error("a file that was cut gave no error")
	}
	o.close()
}

// TestOrderedDiskFull: what was written before the file could not be written any more is read all the same.
func TestOrderedDiskFull(t *testing.T) {
	t.Parallel()
	var seen []string
	o := newOrdered(0, func(b block) error {
		seen = append(seen, string(b.out)+b.note)
		return nil
	})
	o.spill.dir = t.TempDir()
	defer o.close()
	for i, out := range []string{3: "d", 2: "c", 1: "b"} {
		if i == 2 {
			o.spill.broken = true
		}
		if out != "" {
			o.hold(i, block{[]byte(out), "-"})
		}
	}
	if err := o.put(0, block{[]byte("a"), "-"}); err != nil || !slices.Equal(seen, []string{"a-", "b-", "c-", "d-"}) {
		t.Errorf("seen %q, %v", seen, err)
	}
}

// TestOrderedTold: that the file is of no use is said once, and from then on memory has what waits. Nothing is lost.
func TestOrderedTold(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(s *spill) error{
		"cannot be made": func(s *spill) error {
			s.dir = filepath.Join(s.dir, "nosuch")
			return nil
		},
		"cannot be written": func(s *spill) error {
			if err := s.create(); err != nil {
				return err
			}
			return s.file.Close()
		},
	} {
		var stdout, stderr strings.Builder
		a := newApp(nil, &stdout, &stderr)
		list := a.newAnswers(&inquiry{items: jobItems("jobs")}, outputText, strconv.Itoa)
		list.ordered.limit, list.ordered.spill.dir = 0, t.TempDir()
		if err := spoil(&list.ordered.spill); err != nil {
			t.Fatal(err)
		}
		for i := 9; i >= 0; i-- {
			if !list.put(i, &rendered{block{out: fmt.Appendln(nil, i)}, newDigest(nil, ownNames{})}) {
				t.Fatalf("%s: %v", name, list.err)
			}
		}
		list.close()
		if got := strings.Join(strings.Fields(stdout.String()), ""); got != "0123456789" || list.ordered.held != 0 {
			t.Errorf("%s: stdout %q", name, stdout.String())
		}
		if got := stderr.String(); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "hvmigerr: no temporary file for answers that have to wait") {
			t.Errorf("%s: stderr %q", name, got)
		}
	}
}

// TestSpillRemoved: the file is gone at the end at the latest.
func TestSpillRemoved(t *testing.T) {
	t.Parallel()
	s := spill{dir: t.TempDir()}
	if _, err := s.write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	s.close()
	if left, err := os.ReadDir(s.dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
