package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"
)

// An app is one run of the program.
type app struct {
	stdin    io.Reader
	stderr   io.Writer
	out      *output // stdout, buffered
	terminal bool    // stdout is one
	now      func() time.Time
	started  bool // the command line was understood
	advised  bool // the answer says at length what a hint would
	secrets  redactor
	speaker  string // begins each note: the host that it is about, where there are many
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{
		stdin: stdin, stderr: &wholeLines{w: stderr},
		out:      &output{w: bufio.NewWriter(stdout)},
		terminal: isTerminal(stdout),
		now:      time.Now,
	}
}

// stderrf writes to stderr. When that fails there is no place left to say so.
func (a *app) stderrf(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, format, args...)
}

// maxLine bounds a line on stderr, in bytes: a peer's text may be as long as an answer. JSON has all of it.
const maxLine = 2000

// note writes one line of ours to stderr, whatever the text holds.
func (a *app) note(format string, args ...any) {
	a.stderrf("hvmigerr: %s\n", beginning(safeLine(a.secrets.clean(a.speaker+fmt.Sprintf(format, args...))), maxLine))
}

// A wholeLines lets one writer write at a time, so that lines of several hosts do not mix.
type wholeLines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *wholeLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// warn writes one line that the user should not overlook.
func (a *app) warn(format string, args ...any) {
	a.note("warning: "+format, args...)
}

// isTerminal tells whether a stream is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// An output is stdout with a memory for its first error, so that printing code need not look at each.
type output struct {
	w   *bufio.Writer
	err error
}

// Write writes to stdout.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// printf writes to stdout.
func (o *output) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(o, format, args...) // Write keeps the error
}

// flush writes what is left and returns the first error. A reader that has gone, as head does, is none.
func (o *output) flush() error {
	if o.err == nil {
		o.err = o.w.Flush()
	}
	if errors.Is(o.err, syscall.EPIPE) || errors.Is(o.err, io.ErrClosedPipe) {
		return nil
	}
	return o.err
}
