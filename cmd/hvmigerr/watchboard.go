package main

import (
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8/cwriter"
	"golang.org/x/term"
)

// A board is a terminal on which events scroll up while a screen stays below them. It hides no cursor and changes no mode: whatever
// ends the program, there is nothing to restore.
type board struct {
	mu     sync.Mutex
	out    *cwriter.Writer
	size   func() (columns, rows int, err error)
	now    func() time.Time
	screen screen
	drawn  string // what stands there, to leave alone what has not changed
	closed bool
}

// The size of a terminal below which there are no bars.
const leastColumns, leastRows = 20, 4

// newBoard returns the board of the terminal that stdout is, nil if there is none that lines can be moved on.
func (a *app) newBoard(stdout *os.File) *board {
	lines, ok := a.stderr.(*wholeLines)
	if !ok || !a.terminal || !isTerminal(lines.w) || dumb() {
		return nil
	}
	b := &board{out: cwriter.New(stdout), now: a.now}
	b.size = func() (int, int, error) { return term.GetSize(int(stdout.Fd())) }
	if columns, rows, err := b.size(); err != nil || columns < leastColumns || rows < leastRows {
		return nil
	}
	return b
}

// dumb tells a terminal that cannot move its cursor. Windows' own has no TERM.
func dumb() bool {
	name := os.Getenv("TERM")
	return name == "dumb" || name == "" && runtime.GOOS != "windows"
}

// print makes text scroll up, after change has changed the screen. It returns when both are on the terminal; without text the
// screen waits for the next refresh.
func (b *board) print(text []byte, change func(*screen)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.screen)
	if len(text) == 0 {
		return nil
	}
	return b.draw(text)
}

// refresh draws the screen again if it has changed, in itself or by the time that has passed.
func (b *board) refresh(change func(*screen)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.screen)
	return b.draw(nil)
}

// draw writes text, and the screen below it in place of what stands there.
func (b *board) draw(text []byte) error {
	if b.closed {
		return nil
	}
	columns, rows, err := b.size()
	if err != nil {
		return err
	}
	lines := b.screen.lines(columns, rows, b.now())
	var below []byte
	for _, l := range lines {
		below = append(append(below, l...), '\n')
	}
	if len(text) == 0 && string(below) == b.drawn {
		return nil
	}
	b.drawn = string(below)
	b.home()
	_, _ = b.out.Write(text) // into memory
	_, _ = b.out.Write(below)
	return b.out.Flush(len(lines))
}

// raise makes what goes to stderr scroll up like events, until the function that it returns is called.
func (b *board) raise(stderr io.Writer) (back func()) {
	lines, ok := stderr.(*wholeLines) // newBoard has looked
	if !ok {
		return func() {}
	}
	plain := lines.w
	set := func(w io.Writer) {
		lines.mu.Lock()
		defer lines.mu.Unlock()
		lines.w = w
	}
	set(&aboveBoard{b, plain})
	return func() { set(plain) }
}

// An aboveBoard is stderr while a board is on the same terminal.
type aboveBoard struct {
	board *board
	w     io.Writer
}

// Write takes the screen away, writes, and draws the screen again.
func (a *aboveBoard) Write(p []byte) (int, error) {
	b := a.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return a.w.Write(p)
	}
	b.clear()
	n, err := a.w.Write(p)
	_ = b.draw(nil) // an error of stdout comes again by the next event
	return n, err
}

// clear takes the screen away.
func (b *board) clear() {
	b.drawn = ""
	b.home()
	_ = b.out.Flush(0) // as in Write
}

// home begins what is drawn in the first column: the cursor is in another one when somebody has typed, as ^C.
func (b *board) home() { _ = b.out.WriteByte('\r') } // into memory

// close takes the screen away for good; what has scrolled up stays.
func (b *board) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.clear()
		b.closed = true
	}
}
