package main

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

func (a *app) doctorCommand() *cobra.Command {
	var f connectionFlags
	cmd := &cobra.Command{
		Use:   "doctor [flags] HOST...",
		Short: "Find what is in the way to a host",
		Long: `Climbs a ladder from the name of a host to its migration service. It prints a
line for each rung, with what was seen there; below a warning or a failure what
that means, and what to type where. Rungs that need a failed one are not tried.
Without --user and without a ticket it climbs as far as nobody in particular
can.

Nothing is changed on the host, and a password is used for one logon. To see
whether "events --via shell" may work, a remote shell is opened and deleted, in
which nothing runs. The exit code is that of the first rung that failed; a
warning is no failure.`,
		Example: `  hvmigerr doctor hv01.example.com
  hvmigerr doctor -u 'CORP\hv-reader' hv01.example.com
  hvmigerr doctor -u 'CORP\hv-reader' --https -o json hv01.example.com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.doctor(cmd, &f, args)
		},
	}
	f.register(cmd)
	f.registerHosts(cmd)
	return cmd
}

func (a *app) doctor(cmd *cobra.Command, f *connectionFlags, args []string) error {
	p, err := a.plan(cmd.Context(), f, cmd.Flags(), args)
	if err != nil {
		return err
	}
	return a.ask(cmd.Context(), p, &inquiry{items: rungItems(), advises: true, ask: func(ctx context.Context, s *session) *reply {
		return s.examine(ctx, cmd.Flags())
	}})
}

// examine climbs the ladder to one host. As text it prints each rung when it is known.
func (s *session) examine(ctx context.Context, flags *pflag.FlagSet) *reply {
	l := &ladder{s: s, flags: flags}
	if s.unusable != nil {
		// There is no transport then, and what needs no user is looked at all the same.
		if err := s.connectNobody(); err != nil {
			return &reply{err: err}
		}
		l.nobody = s.flags.namesNobody() && errors.Is(s.unusable, fs.ErrNotExist)
	}
	a := s.app
	if s.flags.output == outputText {
		if s.plan.many && !strings.Contains(s.target.url, s.called()) {
			a.out.printf("%s: ", safeLine(s.called()))
		}
		a.out.printf("%s\n\n", safeLine(s.target.url))
		l.tell = a.printStep
	}
	err := s.within(ctx, l.climb)
	a.advised = true
	return &reply{err: err, told: func() any { return a.rungObjects(l.steps) }, print: func() { a.printVerdict(l) }}
}

// namesNobody tells that no flag says who is to be authenticated, or how.
func (f *connectionFlags) namesNobody() bool {
	return f.auth == authAuto && !slices.ContainsFunc([]string{"user", "client-cert", "ccache", "keytab"}, f.given)
}

// connectNobody gives the session a transport that authenticates nobody.
func (s *session) connectNobody() error {
	cfg := &transport.Config{Auth: transport.AuthNone}
	if err := s.flags.fill(cfg, s.target); err != nil {
		return err
	}
	return s.connect(cfg)
}

// climb climbs the ladder. The error is that of the first rung that failed.
func (l *ladder) climb(ctx context.Context) error {
	var first error
	for _, r := range rungs() {
		st := l.take(ctx, &r)
		l.steps = append(l.steps, st)
		if first == nil {
			first = st.err
		}
		if l.tell != nil {
			l.tell(st)
		}
	}
	return first
}
