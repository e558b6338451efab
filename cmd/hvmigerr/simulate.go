package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// simulateFlags are the flags of simulate.
type simulateFlags struct {
	listen, model, rules   string
	caOut, ccacheOut       string
	http, allowUnencrypted bool
	auth                   []string
	printModel             bool
	hosts                  int
	delay                  time.Duration
	addresses, ownUsers    bool
	faults                 string
	output                 string
}

func (a *app) simulateCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate [flags]",
		Short: "Be a Hyper-V host, for trying and testing",
		Long: `Runs a simulated Hyper-V host: migration jobs that run, fail and are forgotten,
behind WS-Management over https with a certificate made for this run, or over
http as a default Windows host serves it, with messages that NTLM or Kerberos
seals. It prints its address and commands to try, and serves until it is
interrupted (exit 130). Its users and passwords are known to everybody: it
listens on loopback unless told otherwise.

The jobs of the built-in model come again every five minutes; its event log
tells of the first time, and of older moves. The format of
a model of your own, and of rules that make the host misbehave, is that of Model
and Rule in package wsman/wsmantest; --print-model gives a model to start from.

With --hosts it is many hosts, each with its own jobs, and prints their list as
@FILE reads it: on consecutive ports from that of --listen, on free ports if
that is 0, or with --addresses on consecutive addresses.`,
		Example: `  hvmigerr simulate --http
  hvmigerr simulate --print-model > host.json
  hvmigerr simulate --listen 127.0.0.1:5986 --model host.json --ca-out ca.pem
  hvmigerr simulate --http --hosts 50 --listen 127.0.0.1:20001 > hosts.txt`,
		Args: arguments(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := applyEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := checkOutput(f.output); err != nil {
				return err
			}
			if cmd.Flags().Changed("hosts") && f.hosts < 1 {
				return &usageError{"--hosts must be at least 1"}
			}
			if f.printModel {
				return a.printModel(&f)
			}
			return a.simulate(cmd.Context(), &f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.listen, "listen", "127.0.0.1:0", "listen on `ADDRESS`:PORT; port 0 takes a free one")
	fs.StringVar(&f.model, "model", "", "what the host holds, a JSON `FILE` (default: a built-in model)")
	fs.BoolVar(&f.printModel, "print-model", false, "print the built-in model as --model reads it, and end")
	fs.StringVar(&f.rules, "rules", "", "how the host misbehaves, a JSON `FILE`")
	fs.StringVar(&f.caOut, "ca-out", "", "write the certificate authority to `FILE` and leave it there (default: a file that is removed at the end)")
	fs.BoolVar(&f.http, "http", false, "serve http in place of https")
	fs.StringSliceVar(&f.auth, "auth", nil, "offer these methods, a `LIST` of ntlm, kerberos, basic, certificate (default: all; with --http those that protect what is sent)")
	fs.BoolVar(&f.allowUnencrypted, "allow-unencrypted", false, "with --http take basic and messages in clear, as a host with AllowUnencrypted=true")
	fs.StringVar(&f.ccacheOut, "ccache-out", "", "write a Kerberos ticket of the administrator to `FILE` and leave it there (default: a file that is removed at the end)")
	fs.IntVar(&f.hosts, "hosts", 0, "be `N` hosts, and print a list of them for @FILE (default: one, and no list)")
	fs.DurationVar(&f.delay, "delay", 0, "hold back every answer for that `DURATION`, as a long way does")
	fs.BoolVar(&f.addresses, "addresses", false, "with --hosts take an address for each, from that of --listen on, in place of a port")
	fs.StringVar(&f.faults, "faults", "", "with --hosts let a part of them misbehave, a `LIST` in percent: hang=5,reset=5,refuse=5,flood=5")
	fs.BoolVar(&f.ownUsers, "own-users", false, "with --hosts give each one user of its own; the list names them, the password is "+fleetPassword)
	registerOutput(cmd, &f.output)
	complete(cmd, "auth", authNames(served())...)
	return cmd
}

func (a *app) simulate(ctx context.Context, f *simulateFlags) error {
	cfg, err := f.config(ctx)
	if err != nil {
		return err
	}
	a.warnOfModel(cfg)
	if f.hosts != 0 {
		return a.simulateFleet(ctx, f, cfg)
	}
	server, err := wsmantest.NewServer(*cfg)
	if err != nil {
		return &usageError{err.Error()}
	}
	if err := server.Start(); err != nil { //nolint:contextcheck // Close ends it
		if e, ok := errors.AsType[*net.OpError](err); ok {
			err = e // without the name of our package
		}
		return fmt.Errorf("--listen: %w", err)
	}
	defer func() { _ = server.Close() }() // the process ends
	if host, _, err := net.SplitHostPort(server.Addr().String()); err == nil && !net.ParseIP(host).IsLoopback() {
		a.warn("other machines can reach this host; whoever knows hvmigerr knows its passwords")
	}
	files, err := f.writeFiles(server, cfg)
	if err != nil {
		return err
	}
	defer files.remove()
	if err := a.printSimulation(f, server, cfg, files); err != nil {
		return err
	}
	if err := a.out.flush(); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// config reads the files.
func (f *simulateFlags) config(ctx context.Context) (*wsmantest.Config, error) {
	cfg := &wsmantest.Config{
		HTTP: f.http, Addr: f.listen, Model: builtInModel(time.Now()), AllowUnencrypted: f.allowUnencrypted, Delay: f.delay,
	}
	var err error
	if cfg.Auth, err = f.methods(); err != nil {
		return nil, err
	}
	if cfg.Names, err = f.names(); err != nil {
		return nil, err
	}
	if f.model != "" {
		if cfg.Model, err = readJSON(ctx, "--model", f.model, wsmantest.DecodeModel); err != nil {
			return nil, err
		}
	}
	if f.rules != "" {
		if cfg.Rules, err = readJSON(ctx, "--rules", f.rules, wsmantest.DecodeRules); err != nil {
			return nil, err
		}
	}
	switch {
	case f.http && f.caOut != "":
		return nil, &usageError{"--ca-out does not go with --http"}
	case f.allowUnencrypted && !f.http:
		return nil, &usageError{"--allow-unencrypted needs --http"}
	case f.ccacheOut != "" && !slices.Contains(cfg.Auth, wsmantest.AuthMethodKerberos):
		return nil, &usageError{"--ccache-out needs kerberos among --auth"}
	case f.delay < 0:
		return nil, &usageError{"--delay cannot be negative"}
	case f.hosts == 0:
		return cfg, f.alone()
	}
	return cfg, nil
}

// readJSON reads the file of a flag with decode. Its errors are usage errors, or that of ctx.
func readJSON[T any](ctx context.Context, flag, name string, decode func(io.Reader) (T, error)) (T, error) {
	v, err := await(ctx, func() (T, error) {
		var zero T
		file, err := os.Open(name) //nolint:gosec // the user names the file
		if err != nil {
			return zero, err
		}
		v, err := decode(file)
		if err := errors.Join(err, file.Close()); err != nil {
			return zero, fmt.Errorf("%s: %w", name, err)
		}
		return v, nil
	})
	if err != nil && ctx.Err() == nil {
		err = &usageError{flag + ": " + err.Error()}
	}
	return v, err
}

// names checks --listen and returns what the certificate must name for it: for an address that stands for all of this
// machine's, each of them.
func (f *simulateFlags) names() ([]string, error) {
	host, port, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, &usageError{"--listen: " + err.Error()}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, &usageError{fmt.Sprintf("--listen: port %q is not 0 to 65535", port)}
	}
	if !unspecified(host) {
		return []string{host}, nil
	}
	var names []string
	// Without a name, or without the addresses, the host can still be reached by what is left.
	if name, err := os.Hostname(); err == nil && !strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		names = append(names, name) // a certificate holds ASCII alone
	}
	addresses, _ := net.InterfaceAddrs()
	for _, addr := range addresses {
		if network, ok := addr.(*net.IPNet); ok {
			names = append(names, network.IP.String())
		}
	}
	return names, nil
}

// unspecified tells whether a host to listen on stands for all addresses of this machine.
func unspecified(host string) bool {
	return host == "" || net.ParseIP(host).IsUnspecified()
}

// url returns where a client on this machine finds the server.
func (f *simulateFlags) url(server *wsmantest.Server) string {
	host, _, _ := net.SplitHostPort(f.listen) // names has checked it
	_, port, err := net.SplitHostPort(server.Addr().String())
	if err != nil || !unspecified(host) {
		return server.URL()
	}
	loopback := "127.0.0.1"
	if strings.Contains(host, ":") {
		loopback = "::1"
	}
	return strings.Replace(server.URL(), server.Addr().String(), net.JoinHostPort(loopback, port), 1)
}
