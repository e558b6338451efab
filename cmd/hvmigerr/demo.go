package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

func (a *app) demoCommand() *cobra.Command {
	f := getFlags{connection: connectionFlags{
		auth: authAuto, seal: sealAlways, user: administrator, timeout: 30 * time.Second,
		locale: wsman.DefaultLocale, uriStyle: uriStyleMicrosoft,
	}}
	cmd := &cobra.Command{
		Use:   "demo [flags]",
		Short: "Show get against a simulated host, in one process",
		Long: `Starts the host of simulate on loopback, asks it as get asks a real one, and
prints the answer: first over http, as a default Windows host is reached, with
every message sealed by NTLM; then once more over https, and counts what its
event log tells beyond that. It needs no Hyper-V, no
flags and no network. -v tells what is exchanged, the tokens too.`,
		Example: `  hvmigerr demo
  hvmigerr demo -v -o json`,
		Args: arguments(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := applyEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := checkOutput(f.connection.output); err != nil {
				return err
			}
			return a.demo(cmd.Context(), &f)
		},
	}
	registerNoExplain(cmd, &f.noExplain)
	registerOutput(cmd, &f.connection.output)
	cmd.Flags().BoolVarP(&f.connection.verbose, "verbose", "v", false, "tell on stderr what is exchanged")
	fromEnvironment(cmd.Flags().Lookup("verbose"))
	return cmd
}

// demo asks one simulated host over http and one over https. Both have the same jobs, so the answer is printed once.
func (a *app) demo(ctx context.Context, f *getFlags) error {
	model := wsmantest.DefaultModel(time.Now())
	sealed, stop, err := startDemo(&wsmantest.Config{Model: model, HTTP: true}) //nolint:contextcheck // stop ends it
	if err != nil {
		return err
	}
	defer stop()
	a.note("a simulated Hyper-V host, as Windows sets one up: http, each message sealed. This is what comes of")
	a.note("  hvmigerr get -u %s %s", administrator, sealed.URL())
	s, err := a.demoSession(f, sealed)
	if err != nil {
		return err
	}
	if err = errors.Join(a.answer(ctx, s, f), a.out.flush()); err != nil {
		return err
	}
	a.noteLegs(f, sealed)
	encrypted, stop, err := startDemo(&wsmantest.Config{Model: model}) //nolint:contextcheck // stop ends it
	if err != nil {
		return err
	}
	defer stop()
	a.note("the same host over https, with a certificate that this run has made:")
	a.note("  hvmigerr get -u %s --ca-file CA.pem %s", administrator, encrypted.URL())
	if s, err = a.demoSession(f, encrypted); err != nil {
		return err
	}
	found, log := &findings{}, &events.Report{}
	err = s.ask(ctx, func(ctx context.Context) error {
		if err := s.find(ctx, f, found); err != nil {
			return err
		}
		log, err = events.Read(ctx, events.NewServerManager(s.client), &events.Query{Since: day})
		return err
	})
	if err != nil {
		return err
	}
	a.noteLegs(f, encrypted)
	a.note("%d of %d migrations failed, %d completed with warnings", found.failed, found.total, found.warned)
	a.note("of the last day its event log tells of %s more that failed and whose jobs are forgotten: \"hvmigerr events\" prints them",
		grouped(failedIncidents(log)-found.failed))
	return nil
}

// failedIncidents counts the migrations that failed.
func failedIncidents(report *events.Report) int {
	n := 0
	for _, incident := range report.Incidents {
		if incident.Outcome == events.OutcomeFailed {
			n++
		}
	}
	return n
}

// startDemo starts a simulated host.
func startDemo(cfg *wsmantest.Config) (server *wsmantest.Server, stop func(), err error) {
	if server, err = wsmantest.NewServer(*cfg); err != nil {
		return nil, nil, err
	}
	if err := server.Start(); err != nil {
		return nil, nil, err
	}
	return server, func() { _ = server.Close() }, nil // the process ends
}

// loopback is where a simulated host listens by default.
const loopback = "127.0.0.1"

// demoSession returns a session as open does for the command line that demo prints, but for proxies and the prompt.
func (a *app) demoSession(f *getFlags, server *wsmantest.Server) (*session, error) {
	cfg := &transport.Config{
		URL: server.URL(), User: administrator, Password: transport.NewSecret(administrator + "-pass"),
	}
	if pem := server.CACertPEM(); pem != nil {
		cfg.RootCAs = x509.NewCertPool()
		cfg.RootCAs.AppendCertsFromPEM(pem)
	}
	var err error
	if cfg.Proxy, err = transport.ParseProxy("none"); err != nil {
		return nil, err
	}
	m, err := f.connection.choose(loopback)
	if err != nil {
		return nil, err
	}
	cfg.Auth = m.Auth
	s := &session{
		app: a, plan: a.newPlan(&f.connection), flags: &f.connection, method: m,
		target: &target{name: loopback, https: cfg.RootCAs != nil, url: server.URL()},
	}
	if err := s.connect(cfg); err != nil {
		return nil, err
	}
	return s, nil
}

// noteLegs tells with -v what the host saw: the tokens, which the client's own notes leave out, and what came after them.
func (a *app) noteLegs(f *getFlags, server *wsmantest.Server) {
	if !f.connection.verbose {
		return
	}
	var legs []string
	for _, r := range server.Requests() {
		how := "in clear"
		switch {
		case r.Sealed:
			how = "sealed"
		case r.Operation == operationAuthenticate:
			how = "a token"
		}
		legs = append(legs, fmt.Sprintf("%s %d (%s)", r.Operation, r.StatusCode, how))
	}
	a.note("%s saw %s", server.URL(), strings.Join(legs, ", "))
}

// operationAuthenticate is the operation under which a simulated host records the tokens of NTLM and Kerberos.
const operationAuthenticate = "Authenticate"
