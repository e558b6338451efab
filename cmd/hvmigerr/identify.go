package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// identifyFlags are the flags of identify.
type identifyFlags struct {
	connection connectionFlags
}

func (a *app) identifyCommand() *cobra.Command {
	f := identifyFlags{connection: connectionFlags{anonymous: true}}
	cmd := &cobra.Command{
		Use:   "identify [flags] HOST...",
		Short: "Ask a host what it is",
		Long: `Asks what speaks WS-Management there. Without --user or another way to
authenticate nobody is: a message that is the same for everybody goes out, over
http too; Windows then hides its version. With --user, or --auth kerberos and a
ticket, it shows that the user is accepted.`,
		Example: `  hvmigerr identify hv01.example.com
  hvmigerr identify -u 'CORP\hv-reader' hv01.example.com
  hvmigerr identify --auth kerberos hv01.example.com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.identify(cmd, &f, args)
		},
	}
	f.connection.register(cmd)
	f.connection.registerHosts(cmd)
	return cmd
}

func (a *app) identify(cmd *cobra.Command, f *identifyFlags, args []string) error {
	p, err := a.plan(cmd.Context(), &f.connection, cmd.Flags(), args)
	if err != nil {
		return err
	}
	return a.ask(cmd.Context(), p, &inquiry{items: items{command: "identify", names: "identity"}, ask: askIdentity})
}

// askIdentity asks a host what it is.
func askIdentity(ctx context.Context, s *session) *reply {
	var id *wsman.Identity
	authenticated := s.method.Auth != transport.AuthNone
	err := s.ask(ctx, func(ctx context.Context) error {
		var err error
		if authenticated {
			id, err = s.client.Identify(ctx)
		} else {
			id, err = s.client.IdentifyAnonymous(ctx)
		}
		return err
	})
	r := &reply{err: err, told: func() any { return identityObject(id, authenticated) }}
	if err == nil {
		r.print = func() {
			if s.plan.many && !strings.Contains(s.target.url, s.called()) {
				s.app.out.printf("%-10s %s\n", "host", safeLine(s.called()))
			}
			s.app.printIdentity(s.target, id, authenticated)
		}
	}
	return r
}

// identityObject returns what a host says of itself as JSON has it; nil, which is null, when it did not.
func identityObject(id *wsman.Identity, authenticated bool) object {
	if id == nil {
		return nil
	}
	var date any
	if !id.Date.IsZero() {
		date = cimTime(id.Date)
	}
	return object{
		{"authenticated", authenticated},
		{"ProtocolVersion", append([]string{}, id.ProtocolVersions...)},
		{"ProductVendor", nullable(id.ProductVendor)},
		{"ProductVersion", nullable(id.ProductVersion)},
		{"SecurityProfiles", append([]string{}, id.SecurityProfiles...)},
		{"date", date},
	}
}

func (a *app) printIdentity(t *target, id *wsman.Identity, authenticated bool) {
	row := func(name, value string) {
		if value != "" {
			a.out.printf("%-10s %s\n", name, safeLine(value))
		}
	}
	row("endpoint", t.url)
	row("vendor", id.ProductVendor)
	row("version", id.ProductVersion)
	for _, v := range id.ProtocolVersions {
		row("protocol", v)
	}
	for _, p := range id.SecurityProfiles {
		row("profile", p)
	}
	if !id.Date.IsZero() {
		row("clock", id.Date.UTC().Format(time.RFC3339)+a.difference(id.Date))
	}
	if authenticated {
		row("user", "accepted")
	} else {
		row("user", "none was sent")
	}
}

// difference says by how much the host's clock is off ours, when that is more than the answer's way can explain.
func (a *app) difference(host time.Time) string {
	const noticeable = 5 * time.Second
	d := host.Sub(a.now())
	if d.Abs() <= noticeable {
		return ""
	}
	return ", " + apart(d) + " ours"
}

// apart says by how much one clock is ahead of another.
func apart(d time.Duration) string {
	if d < 0 {
		return age(-d) + " behind"
	}
	return age(d) + " ahead of"
}
