package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// bothEndsFlags say whether the destination of a failed move is asked too, and which destinations may be.
type bothEndsFlags struct {
	wanted  bool
	trust   []string
	trusted []*trustPattern // what check has made of trust
}

// registerBothEnds defines --both-ends and --trust-host.
func registerBothEnds(cmd *cobra.Command, f *bothEndsFlags) {
	fs := cmd.Flags()
	fs.BoolVar(&f.wanted, "both-ends", false,
		"ask the destination of a failed move too, if it is a HOST here or --trust-host allows it")
	fs.StringArrayVar(&f.trust, "trust-host", nil,
		"let --both-ends log on to a destination whose name is like `PATTERN`, as *.corp.example; repeatable; no variable sets this")
}

// check reads the patterns. Its errors are usage errors.
func (f *bothEndsFlags) check() error {
	if len(f.trust) > 0 && !f.wanted {
		return &usageError{"--trust-host needs --both-ends"}
	}
	f.trusted = nil
	for _, text := range f.trust {
		p, err := parseTrust(text)
		if err != nil {
			return err
		}
		f.trusted = append(f.trusted, p)
	}
	return nil
}

// An otherEnd is what came of asking the destination of a move.
type otherEnd struct {
	host, url string // host is "" if the job names none, url if it may not be asked
	asked     bool
	reason    string // why it was not asked, or has nothing to say
	err       error  // what keeps its answer from being there, or complete
}

// maxOtherEnds bounds how many destinations are asked about the jobs of one host: that host writes their names.
const maxOtherEnds = 16

// otherEnds asks the destinations of the failed moves in list about the same migrations and joins what they say. The host of s has
// answered before; nothing that becomes of a destination takes from that. Together the destinations have as long as a host has.
func (s *session) otherEnds(ctx context.Context, f *bothEndsFlags, list []*diagnosed) {
	if !f.wanted {
		return
	}
	limited, cancel := context.WithTimeout(ctx, s.flags.timeout)
	defer cancel()
	var order []*plannedHost
	moves := map[*plannedHost][]*diagnosed{}
	added := map[string]*plannedHost{}
	for _, d := range list {
		d.bothEnds = true
		if !d.Job.Failed() || d.Job.StorageOnly() || d.onlyMethod {
			continue
		}
		d.other = &otherEnd{}
		h := s.destination(limited, f, d, added)
		switch {
		case h == nil:
		case moves[h] == nil && len(order) == maxOtherEnds:
			d.other.reason = fmt.Sprintf("the jobs of %s name more than %d destinations", s.target.label, maxOtherEnds)
		default:
			if moves[h] == nil {
				order = append(order, h)
			}
			moves[h] = append(moves[h], d)
		}
	}
	for _, h := range order {
		s.askOtherEnd(limited, h, moves[h])
	}
}

// destination returns the host that d names as its destination, or nil when that must not be asked; why is in d.other then. It sends
// nothing: a name that another host wrote is not even looked up, unless the operator has named it (DESIGN: Security rules).
func (s *session) destination(ctx context.Context, f *bothEndsFlags, d *diagnosed, added map[string]*plannedHost) *plannedHost {
	o := d.other
	name, err := d.Job.Destination()
	if err != nil {
		o.reason = err.Error()
		return nil
	}
	o.host = name
	h := s.plan.named(name)
	if h == nil {
		h = added[foldHost(name)]
	}
	if h == nil && f.trusts(name) {
		if h, err = s.plan.add(ctx, name); err != nil {
			o.reason = message(stopped(ctx, err))
			return nil
		}
		added[foldHost(name)] = h
	}
	switch {
	case h == nil:
		o.reason = fmt.Sprintf("name it or pass --trust-host %s", o.host)
		return nil
	case strings.EqualFold(h.target.url, s.target.url):
		o.reason = "it is the host that was asked"
		return nil
	}
	o.host, o.url = h.target.label, h.target.url
	return h
}

func (f *bothEndsFlags) trusts(name string) bool {
	for _, p := range f.trusted {
		if p.matches(name) {
			return true
		}
	}
	return false
}

// askOtherEnd asks a destination about moves to it, in one session.
func (s *session) askOtherEnd(ctx context.Context, h *plannedHost, moves []*diagnosed) {
	if reason := s.notToAsk(ctx, h); reason != "" {
		for _, d := range moves {
			d.other.reason = reason
		}
		return
	}
	other, err := s.plan.open(h)
	if err == nil && other.unusable != nil {
		err = other.failed(other.unusable)
	}
	asked := err == nil
	if asked {
		err = other.ask(ctx, func(ctx context.Context) error { return other.answerMoves(ctx, moves) })
		if e, ok := err.(*hostError); ok { //nolint:errorlint // beside it stands which host
			err = e.err
		}
		asked = other.answered || !has[*fleet.NotTriedError](err) && !errors.Is(err, fleet.ErrNotAdmitted)
		s.silent.note(ctx, h, err)
	}
	for _, d := range moves {
		switch d.other.asked = asked; {
		case !asked:
			d.other.reason = message(err)
		case d.Destination == nil && d.other.reason == "":
			d.other.err = err
		}
	}
}

// notToAsk says why a destination is not asked now, "" if it may be.
func (s *session) notToAsk(ctx context.Context, h *plannedHost) string {
	switch {
	case ctx.Err() == nil:
	case timeIsUp(ctx):
		return fmt.Sprintf("others before it took all of --timeout %v", s.flags.timeout)
	case s.silent != nil:
		return "the watch ended"
	default:
		return message(context.Cause(ctx))
	}
	if err := s.silent.of(h); err != nil {
		return "asked in vain less than a minute ago: " + message(err)
	}
	return ""
}

// answerMoves finds the job of each move, at the destination, and asks about it.
func (s *session) answerMoves(ctx context.Context, moves []*diagnosed) error {
	var jobs []*invoke.MigrationJob
	for j, err := range invoke.Jobs(ctx, s.client, nil) {
		if err != nil {
			return err
		}
		jobs = append(jobs, j)
	}
	for _, d := range moves {
		job := d.Job.Counterpart(jobs)
		if job == nil {
			d.other.reason = "it has no job of this machine at that time"
			continue
		}
		answer, err := invoke.Ask(ctx, s.client, job)
		if answer.VM == job.VMName() {
			answer.VM = d.VM
		}
		d.Join(s.target.label, answer)
		if d.other.err = s.failed(err); hopeless(err) {
			return err
		}
	}
	return nil
}
