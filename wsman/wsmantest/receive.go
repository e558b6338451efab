package wsmantest

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// The states of a command (MS-WSMV 2.2.4, CommandState).
const (
	stateRunning = namespaceShell + "/CommandState/Running"
	stateDone    = namespaceShell + "/CommandState/Done"
)

const (
	defaultChunk = 16384
	// roomForReceive is what the envelope of a Receive holds beside the streams, in octets.
	roomForReceive = 2048
)

// An output is what one Receive brings.
type output struct {
	stdout, stderr []byte
	done           bool
	exitCode       uint32
}

// receive answers Receive: at once when there is something to say, and else when there is, or with TimedOut.
func (s *Server) receive(ctx context.Context, c *call) (*etree.Document, error) {
	desired := child(c.body, namespaceShell, "DesiredStream")
	if !is(c.body, namespaceShell, "Receive") || desired == nil {
		return nil, newFault(faultSchemaValidation, "The body names no streams to receive.")
	}
	streams := strings.Fields(textOf(desired))
	for _, name := range streams {
		if name != streamStdout && name != streamStderr {
			return nil, newFault(FaultInvalidParameter, "A desired stream is neither stdout nor stderr.")
		}
	}
	p, err := s.process(c, desired)
	if err != nil {
		return nil, err
	}
	most := (c.maxEnvelope - roomForReceive) / 2 / 4 * 3 // two streams in base64
	out, err := p.wait(ctx, c.timeout, streams, min(most, cmp.Or(s.host.model.Shell.Chunk, defaultChunk)))
	if err != nil {
		return nil, err
	}
	return c.received(out, commandID(desired)), nil
}

// wait takes at most n octets of each of the streams, when there are some or the process ends.
func (p *process) wait(ctx context.Context, timeout time.Duration, streams []string, n int) (*output, error) {
	late := time.NewTimer(timeout)
	defer late.Stop()
	for {
		out, changed, err := p.take(streams, n)
		if out != nil || err != nil {
			return out, err
		}
		// The moment of its end is read anew each time: an interrupt brings it forward.
		select {
		case <-changed:
		case <-p.ended():
		case <-late.C:
			return nil, newFault(FaultTimedOut, "")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take returns what there is, or nil and what is closed at the next change.
func (p *process) take(streams []string, n int) (*output, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.aborted {
		return nil, nil, newFault(FaultAborted, "")
	}
	out := &output{exitCode: p.exitCode, done: !p.running(time.Now())}
	if slices.Contains(streams, streamStdout) {
		out.stdout = p.stdout.next(n)
		out.done = out.done && p.stdout.drained()
	}
	if slices.Contains(streams, streamStderr) {
		out.stderr = p.stderr.next(n)
		out.done = out.done && p.stderr.drained()
	}
	if len(out.stdout)+len(out.stderr) == 0 && !out.done && p.running(time.Now()) {
		return nil, p.changed, nil
	}
	return out, nil, nil
}

// ended returns a channel that says when the process ends by itself; nil when it does not.
func (p *process) ended() <-chan time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.never || p.echo {
		return nil
	}
	return time.After(time.Until(p.ends))
}

// received writes the answer to Receive.
func (c *call) received(out *output, id string) *etree.Document {
	doc, body := c.shellAnswer()
	e := c.shellElement(body, "ReceiveResponse")
	add := func(name string, octets []byte, end bool) {
		if len(octets) == 0 && !end {
			return
		}
		stream := c.w.addText(e, prefixShell, "Stream", base64.StdEncoding.EncodeToString(octets))
		stream.CreateAttr("Name", name)
		stream.CreateAttr("CommandId", id)
		if end {
			stream.CreateAttr("End", "true")
		}
	}
	for _, s := range []struct {
		name   string
		octets []byte
	}{{streamStdout, out.stdout}, {streamStderr, out.stderr}} {
		add(s.name, s.octets, false)
		if out.done {
			add(s.name, nil, true)
		}
	}
	state := c.w.add(e, prefixShell, "CommandState")
	state.CreateAttr("CommandId", id)
	if !out.done {
		state.CreateAttr("State", stateRunning)
	} else {
		state.CreateAttr("State", stateDone)
		c.w.addText(state, prefixShell, "ExitCode", strconv.FormatUint(uint64(out.exitCode), 10))
	}
	return doc
}
