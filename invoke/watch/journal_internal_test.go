package watch

// Internal: no file system breaks in the order that a test wants, so these give the journal a disk that does.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A badDisk is a file that fails when told to.
type badDisk struct {
	*os.File
	// Each returns an error when the call is to fail; of write also how many bytes are written nevertheless.
	write    func(size int) (int, error)
	sync     func() error
	truncate func() error
}

func (d *badDisk) Write(p []byte) (int, error) {
	n, err := d.write(len(p))
	if err == nil {
		return d.File.Write(p)
	}
	if n > 0 {
		if n, err := d.File.Write(p[:n]); err != nil {
			return n, err
		}
	}
	return n, err
}

func (d *badDisk) Sync() error {
	if err := d.sync(); err != nil {
		return err
	}
	return d.File.Sync()
}

func (d *badDisk) Truncate(size int64) error {
	if err := d.truncate(); err != nil {
		return err
	}
	return d.File.Truncate(size)
}

// healthy returns a disk without faults around the file of j, which it gives to j.
func healthy(t *testing.T, j *Journal) *badDisk {
	t.Helper()
	file, ok := j.file.disk.(*os.File)
	if !ok {
		t.Fatal("the journal is on no file")
	}
	none := func() error { return nil }
	d := &badDisk{File: file, write: func(int) (int, error) { return 0, nil }, sync: none, truncate: none}
	j.file.disk = d
	return d
}

func line(id string) []byte { return fmt.Appendf(nil, `{"id":%q}`, id) }

func open(t *testing.T) (j *Journal, name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "watch.jsonl")
	j, err := OpenJournal(name)
	if err != nil {
		t.Fatal(err)
	}
	return j, name
}

// read returns the IDs in a journal, and how many lines are no events.
func read(t *testing.T, name string) (ids []string, damaged int) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line, err := range ReadJournal(bytes.NewReader(text)) {
		if err != nil {
			damaged++
			continue
		}
		id, err := lineID(line)
		if err != nil {
			t.Error(err)
		}
		ids = append(ids, id)
	}
	return ids, damaged
}

var errBad = errors.New("bad disk")

// TestBadDisk lets writes, syncs and cuts fail at random. In the end each event is there, once and in order, no part of a line is left
// where it could be cut off, and nothing that was acknowledged was missing at any time.
func TestBadDisk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			j, name := open(t)
			random := rand.New(rand.NewPCG(seed, 0))
			fails := func(one int) error {
				if random.IntN(one) == 0 {
					return errBad
				}
				return nil
			}
			d := healthy(t, j)
			d.write = func(size int) (int, error) { return random.IntN(size + 1), fails(3) }
			d.sync = func() error { return fails(4) }
			cut := seed%2 == 0 // in the other half a file can only grow while there are faults
			d.truncate = func() error {
				if cut {
					return fails(3)
				}
				return errBad
			}
			var acknowledged, all []string
			for n := range 60 {
				id := fmt.Sprint(n)
				all = append(all, id)
				if err := j.Append(id, line(id)); err == nil {
					acknowledged = append(acknowledged[:0], all...)
				} else if !errors.Is(err, errBad) {
					t.Fatal(err)
				}
				ids, _ := read(t, name)
				for _, id := range acknowledged {
					if !strings.Contains(","+strings.Join(ids, ",")+",", ","+id+",") {
						t.Fatalf("event %s was acknowledged and is not there", id)
					}
				}
			}
			healthy := func() error { return nil }
			d.sync, d.truncate, d.write = healthy, healthy, func(int) (int, error) { return 0, nil }
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if j.Unwritten() != 0 {
				t.Errorf("%d events are unwritten", j.Unwritten())
			}
			check(t, name, all, cut)
		})
	}
}

// check looks at a journal after many faults.
func check(t *testing.T, name string, want []string, cut bool) {
	t.Helper()
	ids, damaged := read(t, name)
	seen := map[string]bool{}
	var got []string
	for _, id := range ids {
		if !seen[id] {
			got = append(got, id)
		}
		seen[id] = true
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("events %v, want %v", got, want)
	}
	if cut && damaged > 0 && len(ids) == len(got) {
		t.Logf("%d parts of lines stand where the file could not be cut at the time", damaged)
	}
	j, err := OpenJournal(name)
	if err != nil {
		t.Fatal(err)
	}
	if j.Torn() != 0 || j.Damaged() != damaged {
		t.Errorf("Torn, Damaged = %d, %d, want 0, %d", j.Torn(), j.Damaged(), damaged)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk: a line of which a part was written leaves no trace, and comes before the next one.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	j, name := open(t)
	d := healthy(t, j)
	if err := j.Append("a", line("a")); err != nil {
		t.Fatal(err)
	}
	d.write = func(size int) (int, error) { return size - 1, errBad }
	if err := j.Append("b", line("b")); !errors.Is(err, errBad) || j.Unwritten() != 1 || !j.Recorded("b") {
		t.Errorf("Append = %v, %d unwritten", err, j.Unwritten())
	}
	if ids, damaged := read(t, name); strings.Join(ids, " ") != "a" || damaged != 0 {
		t.Errorf("the journal has %v and %d damaged lines", ids, damaged)
	}
	d.write = func(int) (int, error) { return 0, nil }
	if err := j.Append("c", line("c")); err != nil || j.Unwritten() != 0 {
		t.Errorf("Append = %v, %d unwritten", err, j.Unwritten())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if ids, damaged := read(t, name); strings.Join(ids, " ") != "a b c" || damaged != 0 {
		t.Errorf("the journal has %v and %d damaged lines", ids, damaged)
	}
}

// TestWaitingIsBounded: what waits for room on the disk takes so much memory and no more.
func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	j, name := open(t)
	d := healthy(t, j)
	d.write = func(int) (int, error) { return 0, errBad }
	if j.room != 64<<20 {
		t.Errorf("there is room for %d bytes, want 64 MiB", j.room)
	}
	j.room = 7*len(line("0")) + 9 // each with its end
	for n := range 9 {
		id := fmt.Sprint(n)
		err := j.Append(id, line(id))
		kept := n < 7
		if !errors.Is(err, errBad) || strings.Contains(err.Error(), "not kept") == kept || j.Recorded(id) != kept {
			t.Errorf("Append(%s) = %v, Recorded = %v, kept %v", id, err, j.Recorded(id), kept)
		}
	}
	if got := j.Unwritten(); got != 9 {
		t.Errorf("Unwritten() = %d, want 9", got)
	}
	if err := j.Close(); !errors.Is(err, errBad) {
		t.Errorf("Close = %v", err)
	}
	if ids, _ := read(t, name); len(ids) != 0 {
		t.Errorf("the journal has %v", ids)
	}
}

// TestGroupCommit: what is appended while the disk works goes to it together.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	j, _ := open(t)
	d := healthy(t, j)
	syncs := 0
	begun, release := make(chan bool), make(chan bool)
	d.sync = func() error {
		if syncs++; syncs == 1 {
			begun <- true
			<-release
		}
		return nil
	}
	var wg sync.WaitGroup
	add := func(id string) {
		wg.Go(func() {
			if err := j.Append(id, line(id)); err != nil {
				t.Errorf("Append(%q) = %v", id, err)
			}
		})
	}
	add("first")
	<-begun
	const others = 20
	for n := range others {
		add(fmt.Sprint(n))
	}
	for waiting := 0; waiting < others; runtime.Gosched() {
		j.mu.Lock()
		waiting = len(j.queue)
		j.mu.Unlock()
	}
	close(release)
	wg.Wait()
	if syncs != 2 {
		t.Errorf("%d events were synced %d times, want 2", others+1, syncs)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLineReader reads lines around the limit of a reader that holds less than the real one.
func TestLineReader(t *testing.T) {
	t.Parallel()
	const most = 600 << 10 // more than the buffer has
	for _, size := range []int{0, 1, 256<<10 - 1, 256 << 10, 256<<10 + 1, most - 1, most, most + 1, most + 300<<10, 3 * most} {
		for _, end := range []string{"", "\n"} {
			text := strings.Repeat("x", size) + end
			r := newLineReader(strings.NewReader("first\n" + text))
			r.most = most
			first, err := r.next()
			if err != nil || string(first.text) != "first" || first.size != 6 {
				t.Fatalf("next = %+v, %v", first, err)
			}
			l, err := r.next()
			if text == "" {
				if !errors.Is(err, io.EOF) {
					t.Errorf("after the end: %+v, %v", l, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			want := text[:size]
			if size > most {
				want = ""
			}
			if string(l.text) != want || l.size != int64(len(text)) || l.ended != (end != "") || l.tooLong != (size > most) {
				t.Errorf("%d bytes and %q: %d bytes of %d, ended %v, too long %v", size, end, len(l.text), l.size, l.ended, l.tooLong)
			}
			if l, err := r.next(); !errors.Is(err, io.EOF) || r.offset != int64(6+len(text)) {
				t.Errorf("%d bytes and %q: then %v, %v at %d", size, end, l, err, r.offset)
			}
		}
	}
}

// TestAppendAll: what is written together waits for the disk once. A line that is refused, or there already, keeps nothing from being written.
func TestAppendAll(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	j, err := OpenJournal(name)
	if err != nil {
		t.Fatal(err)
	}
	d := healthy(t, j)
	syncs := 0
	d.sync = func() error {
		syncs++
		return nil
	}
	record := func(id string) Record { return Record{id, []byte(`{"id":"` + id + `"}`)} }
	if err := j.AppendAll(record("a"), record("b"), record("c")); err != nil || syncs != 1 {
		t.Errorf("AppendAll = %v after %d syncs, want one", err, syncs)
	}
	if err := j.AppendAll(record("b"), Record{"x", []byte("{")}, record("d")); err == nil || syncs != 2 {
		t.Errorf("AppendAll = %v after %d syncs, want what is wrong with x, after two", err, syncs)
	}
	if err := j.AppendAll(); err != nil || syncs != 2 {
		t.Errorf("AppendAll of nothing = %v after %d syncs", err, syncs)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(name)
	if want := "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n{\"id\":\"d\"}\n"; err != nil || string(text) != want {
		t.Errorf("%v; the journal is\n%s", err, text)
	}
}
