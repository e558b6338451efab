package main

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

func (a *app) demoCommand() *cobra.Command {
	f := getFlags{connection: connectionFlags{
		auth: string(transport.AuthBasic), user: "administrator", timeout: 30 * time.Second,
		locale: wsman.DefaultLocale, uriStyle: uriStyleMicrosoft,
	}}
	cmd := &cobra.Command{
		Use:   "demo [flags]",
		Short: "Show get against a simulated host, in one process",
		Long: `Starts the host of simulate on loopback, asks it over HTTPS as get asks a real
one, and prints the answer. It needs no Hyper-V, no flags and no network.`,
		Example: `  hvmigerr demo
  hvmigerr demo -v -o json`,
		Args: arguments(0, 0, ""),
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
	registerOutput(cmd, &f.connection.output)
	cmd.Flags().BoolVarP(&f.connection.verbose, "verbose", "v", false, "tell on stderr what is exchanged")
	fromEnvironment(cmd.Flags().Lookup("verbose"))
	return cmd
}

func (a *app) demo(ctx context.Context, f *getFlags) error {
	server, err := wsmantest.NewServer(wsmantest.Config{})
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil { //nolint:contextcheck // Close ends it
		return err
	}
	defer func() { _ = server.Close() }() // the process ends
	cfg := &transport.Config{
		URL: server.URL(), Auth: transport.AuthBasic, User: f.connection.user, Password: transport.NewSecret("administrator-pass"),
		RootCAs: x509.NewCertPool(),
	}
	cfg.RootCAs.AppendCertsFromPEM(server.CACertPEM())
	if cfg.Proxy, err = transport.ParseProxy("none"); err != nil {
		return err
	}
	a.note("a simulated Hyper-V host listens at %s; this is what comes of", server.URL())
	a.note("  hvmigerr get -u administrator --ca-file CA.pem %s", server.URL())
	s, err := a.newSession(&f.connection, cfg, &target{name: "localhost", https: true, url: server.URL()})
	if err != nil {
		return err
	}
	return a.answer(ctx, s, f)
}
