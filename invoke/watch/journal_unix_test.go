//go:build !windows

package watch_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// TestJournalOfOthers: pipes and devices are refused at once, without waiting for somebody at the other end.
func TestJournalOfOthers(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pipe, os.DevNull} {
		j, err := watch.OpenJournal(name)
		if err == nil {
			closeJournal(t, j)
		}
		if err == nil || !strings.HasSuffix(err.Error(), "is not a regular file") {
			t.Errorf("OpenJournal(%q) = %v", name, err)
		}
		if _, err := os.Stat(name + ".lock"); err == nil {
			t.Errorf("%s has a lock", name)
		}
	}
}

// TestJournalUnopened: what keeps a journal from being opened names the file that is in the way.
func TestJournalUnopened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.Mkdir(in("directory"), 0o700), os.Mkdir(in("locked.lock"), 0o700), os.WriteFile(in("file"), nil, 0o600), os.Symlink("loop", in("loop")),
	); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"nosuch/x":  in("nosuch") + ": no such file or directory",
		"directory": "open " + in("directory") + ": is a directory",
		"locked":    "the lock beside the journal: open " + in("locked.lock") + ": is a directory",
		"file/x":    in("file/x") + ": not a directory",
		"loop":      "open " + in("loop") + ": ",
	} {
		j, err := watch.OpenJournal(in(name))
		if err == nil {
			closeJournal(t, j)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenJournal(%q) = %v, want %s", name, err, want)
		}
	}
}

// TestJournalMode: lines name machines, so that nobody else may read them.
func TestJournalMode(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	closeJournal(t, openJournal(t, name))
	for _, n := range []string{name, name + ".lock"} {
		info, err := os.Stat(n)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got&0o077 != 0 {
			t.Errorf("%s has mode %v", n, got)
		}
	}
}

// TestRotated: the file is renamed, removed, replaced and cut while it is open. Events stay known.
func TestRotated(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	j := openJournal(t, name)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	appendEvents(t, j, "a")
	do(os.Rename(name, name+".1"))
	appendEvents(t, j, "a", "b")
	if old, now := content(t, name+".1"), content(t, name); old != lines("a") || now != lines("b") {
		t.Errorf("after the file was renamed: %q and %q", old, now)
	}
	do(os.Remove(name))
	appendEvents(t, j, "b", "c")
	if now := content(t, name); now != lines("c") {
		t.Errorf("after the file was removed: %q", now)
	}
	do(os.Rename(name, name+".2"))
	do(os.WriteFile(name, []byte("no line end"), 0o600))
	appendEvents(t, j, "d")
	if now := content(t, name); now != "no line end\n"+lines("d") {
		t.Errorf("after the file was replaced: %q", now)
	}
	do(os.Truncate(name, 0))
	appendEvents(t, j, "e")
	if now := content(t, name); now != lines("e") {
		t.Errorf("after the file was emptied: %q", now)
	}
	do(os.Truncate(name, 5))
	appendEvents(t, j, "f")
	if now := content(t, name); now != lines("e")[:5]+"\n"+lines("f") {
		t.Errorf("after the file was cut: %q", now)
	}
	do(os.Remove(name))
	do(os.Mkdir(name, 0o700))
	if err := j.Append("g", event("g")); err == nil || j.Unwritten() != 1 {
		t.Errorf("Append to a directory = %v, %d unwritten", err, j.Unwritten())
	}
	do(os.Remove(name))
	appendEvents(t, j, "h")
	if now := content(t, name); now != lines("g", "h") || j.Unwritten() != 0 {
		t.Errorf("after the directory has gone: %q, %d unwritten", now, j.Unwritten())
	}
	closeJournal(t, j)
}

// TestLockRemoved: who removes the lock file lets no second watcher in; nor does who also moves the journal away, once the next event has
// come. Of two watchers that begin it anew, one writes.
func TestLockRemoved(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	inUse := func(when string) {
		t.Helper()
		do(os.Remove(name + ".lock"))
		j, err := watch.OpenJournal(name)
		if err == nil {
			closeJournal(t, j)
		}
		if !errors.Is(err, watch.ErrJournalInUse) {
			t.Errorf("OpenJournal %s = %v", when, err)
		}
	}
	j := openJournal(t, name)
	appendEvents(t, j, "a")
	inUse("without the lock file")
	do(os.Rename(name, name+".1"))
	appendEvents(t, j, "b")
	inUse("after the journal was moved")

	do(errors.Join(os.Rename(name, name+".2"), os.Remove(name+".lock")))
	second := openJournal(t, name)
	appendEvents(t, second, "x")
	if err := j.Append("c", event("c")); !errors.Is(err, watch.ErrJournalInUse) || j.Unwritten() != 1 {
		t.Errorf("Append to the journal of another = %v, %d unwritten", err, j.Unwritten())
	}
	closeJournal(t, second)
	appendEvents(t, j, "d")
	closeJournal(t, j)
	if got, want := content(t, name), lines("x", "c", "d"); got != want {
		t.Errorf("the journal is\n%swant\n%s", got, want)
	}
	closeJournal(t, openJournal(t, name+".2")) // nothing holds the old ones any more
}

// TestNoRoom fills a journal up to the limit of a process for files, which stands for a full disk, and then makes room.
func TestNoRoom(t *testing.T) {
	const variable = "HVMIGERR_TEST_NO_ROOM"
	if name := os.Getenv(variable); name != "" {
		fill(t, name)
		return
	}
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoRoom$")
	cmd.Env = append(os.Environ(), variable+"="+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, want := content(t, name), lines("1", "2", "3", "4", "5", "6"); got != want {
		t.Errorf("the journal is\n%swant\n%s", got, want)
	}
}

// fill is the process with the limit: two lines and a half have room.
func fill(t *testing.T, name string) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	most := limit.Cur
	set := func(bytes uint64) {
		t.Helper()
		limit.Cur = min(bytes, most)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	j := openJournal(t, name)
	set(uint64(len(lines("1", "2")) + len(event("3"))/2))
	appendEvents(t, j, "1", "2")
	for n, id := range []string{"3", "4", "5"} {
		if err := j.Append(id, event(id)); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("Append(%q) without room = %v", id, err)
		}
		if j.Unwritten() != n+1 || !j.Recorded(id) {
			t.Errorf("Unwritten, Recorded = %d, %v", j.Unwritten(), j.Recorded(id))
		}
		if got := content(t, name); got != lines("1", "2") {
			t.Errorf("the journal is %q", got)
		}
	}
	if err := j.Append("4", event("4")); err == nil || j.Unwritten() != 3 {
		t.Errorf("Append of what waits = %v, %d unwritten", err, j.Unwritten())
	}
	set(uint64(len(lines("1", "2", "3", "4")))) // room for two of them, and for none of the new ones
	if err := j.Append("5", event("5")); err == nil || j.Unwritten() != 1 {
		t.Errorf("Append with some room = %v, %d unwritten", err, j.Unwritten())
	}
	if got := content(t, name); got != strings.Join([]string{lines("1", "2"), lines("3", "4")}, "") {
		t.Errorf("the journal is %q", got)
	}
	if err := j.Append("6", event("6")); err == nil {
		t.Error("Append succeeded without room")
	}
	set(most)
	closeJournal(t, j) // writes what waits
}
