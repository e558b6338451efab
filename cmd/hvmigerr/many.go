package main

import (
	"bufio"
	"bytes"
	"context"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// An inquiry is what a command asks of each of its hosts.
type inquiry struct {
	items
	// ask asks the host of s. What it prints meanwhile goes to the app of s.
	ask func(ctx context.Context, s *session) *reply
	// raw tells that stdout is for nothing but what hosts sent.
	raw bool
	// advises tells that each answer gives advice, so that the summary need not.
	advises bool
}

// A reply is what came of asking one host.
type reply struct {
	err        error
	failedJobs *bool // whether the host has failed migrations; nil: that was not asked, or it did not tell
	// told returns what JSON has of the host beside the error: []object of several things, else object. Nil: nothing.
	told  func() any
	print func() // prints it as text to the app of the session; nil: nothing is left to print
}

// ask asks all hosts of p, writes what came of them, and ends p.
func (a *app) ask(ctx context.Context, p *plan, q *inquiry) error {
	defer p.close()
	if limit := p.flags.deadline; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &deadlineError{limit})
		defer cancel()
	}
	if !p.many {
		return a.askOne(ctx, p, q)
	}
	t := a.newAnswers(q, p.flags.output, func(i int) string { return p.hosts[i].target.label })
	t.verbose = p.flags.verbose
	defer t.close()
	for r := range fleet.Run(ctx, int(p.flags.parallel), p.hosts, func(ctx context.Context, h *plannedHost) (*rendered, error) {
		return p.render(ctx, q, h), nil
	}) {
		v := r.Value
		if v == nil {
			v = p.unasked(q, p.hosts[r.Index], r.Err)
		}
		if !t.put(r.Index, v) {
			break
		}
	}
	return t.end()
}

// askOne asks the only host of p, and prints its answer as it comes.
func (a *app) askOne(ctx context.Context, p *plan, q *inquiry) error {
	s, err := p.open(p.hosts[0])
	if err != nil {
		return err
	}
	r := q.ask(ctx, s)
	a.advised = s.app.advised
	if has[*usageError](r.err) {
		return r.err
	}
	a.tell(s, q, r)
	return r.err
}

// tell writes what came of asking one host.
func (a *app) tell(s *session, q *inquiry, r *reply) {
	switch format := s.flags.output; {
	case format != outputText:
		w := &hostList{out: a.out, items: &q.items, format: format}
		w.add(w.render(s.called(), s.target.url, r))
		w.end(nil)
	case r.print != nil:
		r.print()
	}
}

// A rendered is all that is kept of a host that was asked: what is printed, and what the summary needs.
type rendered struct {
	block
	*digest
}

// render asks a host.
func (p *plan) render(ctx context.Context, q *inquiry, h *plannedHost) *rendered {
	s, err := p.open(h)
	if err != nil {
		return p.unasked(q, h, err)
	}
	var b bytes.Buffer
	s.app.out = &output{w: bufio.NewWriter(&b)}
	r := q.ask(ctx, s)
	d := newDigest(r.err, p.own(h))
	d.failedJobs = r.failedJobs
	if p.flags.output != outputText {
		return &rendered{block{out: p.asJSON(q, h, r)}, d}
	}
	if r.print != nil {
		r.print()
	}
	_ = s.app.out.flush() // to memory
	d.partly = b.Len() > 0
	return &rendered{block{b.Bytes(), lineOf(r.err, d.exit)}, d}
}

// unasked is render for a host that is not asked, because of err.
func (p *plan) unasked(q *inquiry, h *plannedHost, err error) *rendered {
	err = &hostError{h.target.label, err}
	d := newDigest(err, p.own(h))
	if d.failure != nil {
		d.failure.title = "not asked"
	}
	if p.flags.output != outputText {
		return &rendered{block{out: p.asJSON(q, h, &reply{err: err})}, d}
	}
	return &rendered{block{note: lineOf(err, d.exit)}, d}
}

// asJSON returns what came of a host as JSON.
func (p *plan) asJSON(q *inquiry, h *plannedHost, r *reply) []byte {
	w := &hostList{items: &q.items, format: p.flags.output}
	return w.render(h.target.label, h.target.url, r)
}

// own returns what is the host's own in messages.
func (p *plan) own(h *plannedHost) ownNames {
	own := ownNames{names: append([]string{h.target.label, h.target.name}, h.names...)}
	if h.flags.user != p.flags.user {
		own.user = h.flags.user
	}
	return own
}

// lineOf returns the line for stderr about a host that did not answer. That it was not asked because of a signal is no news, and
// that one of many hosts does not have a job is an answer.
func lineOf(err error, exit int) string {
	if answered(exit) || exit == exitInterrupted || exit == exitTerminated {
		return ""
	}
	return beginning(message(err), maxLine)
}
