package winrm

import (
	"context"
	"io"

	"github.com/masterzen/winrm"
)

// reading is how much output is taken at once.
const reading = 32 << 10

// An output is what a command writes.
type output struct {
	pieces chan piece
	stop   <-chan struct{}
}

// A piece is some of the output.
type piece struct {
	octets []byte
	stderr bool
}

// newOutput reads both streams of cmd, in parallel: a command waits when one is not read. When ctx ends, what comes is thrown away.
func newOutput(ctx context.Context, cmd *winrm.Command) *output {
	o := &output{pieces: make(chan piece), stop: ctx.Done()}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.read(cmd.Stderr, true)
	}()
	go func() {
		defer close(o.pieces)
		o.read(cmd.Stdout, false)
		<-ended
	}()
	return o
}

func (o *output) read(r io.Reader, stderr bool) {
	b := make([]byte, reading)
	for {
		n, err := r.Read(b)
		if n > 0 {
			select {
			case o.pieces <- piece{append([]byte(nil), b[:n]...), stderr}:
			case <-o.stop:
			}
		}
		if err != nil {
			return
		}
	}
}

// copyTo writes the output until there is no more, or until a Writer fails.
func (o *output) copyTo(stdout, stderr io.Writer) error {
	for p := range o.pieces {
		w := stdout
		if p.stderr {
			w = stderr
		}
		n, err := w.Write(p.octets)
		if err == nil && n < len(p.octets) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// discard waits for the end of the output.
func (o *output) discard() {
	for range o.pieces {
		continue
	}
}
