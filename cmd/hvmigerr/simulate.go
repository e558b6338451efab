package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// repeatEvery makes the default model's jobs come again before the last ones are forgotten.
const repeatEvery = 5 * time.Minute

// simulateFlags are the flags of simulate.
type simulateFlags struct {
	listen, model, rules, caOut string
	http                        bool
	output                      string
}

func (a *app) simulateCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate [flags]",
		Short: "Be a Hyper-V host, for trying and testing",
		Long: `Runs a simulated Hyper-V host: migration jobs that run, fail and are forgotten,
behind WS-Management with a certificate made for this run. It prints its address
and a command to try, and serves until it is interrupted (exit 130). Its users
and passwords are known to everybody: it listens on loopback unless told
otherwise.

The jobs of the built-in model come again every five minutes. The format of
a model of your own, and of rules that make the host misbehave, is that of Model
and Rule in package wsman/wsmantest.`,
		Example: `  hvmigerr simulate
  hvmigerr simulate --listen 127.0.0.1:5986 --model host.json --ca-out ca.pem`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := applyEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := checkOutput(f.output); err != nil {
				return err
			}
			return a.simulate(cmd.Context(), &f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.listen, "listen", "127.0.0.1:0", "listen on `ADDRESS`:PORT; port 0 takes a free one")
	fs.StringVar(&f.model, "model", "", "what the host holds, a JSON `FILE` (default: a built-in model)")
	fs.StringVar(&f.rules, "rules", "", "how the host misbehaves, a JSON `FILE`")
	fs.StringVar(&f.caOut, "ca-out", "", "write the certificate authority to `FILE` and leave it there (default: a file that is removed at the end)")
	fs.BoolVar(&f.http, "http", false, "serve http in place of https")
	registerOutput(cmd, &f.output)
	return cmd
}

func (a *app) simulate(ctx context.Context, f *simulateFlags) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	server, err := wsmantest.NewServer(*cfg)
	if err != nil {
		return &usageError{err.Error()}
	}
	if err := server.Start(); err != nil { //nolint:contextcheck // Close ends it
		return fmt.Errorf("--listen: %w", err)
	}
	defer func() { _ = server.Close() }() // the process ends
	if host, _, err := net.SplitHostPort(server.Addr().String()); err == nil && !net.ParseIP(host).IsLoopback() {
		a.warn("other machines can reach this host; whoever knows hvmigerr knows its passwords")
	}
	caFile, remove, err := f.writeCA(server.CACertPEM())
	if err != nil {
		return fmt.Errorf("--ca-out: %w", err)
	}
	defer remove()
	if err := a.printSimulation(f, server, cfg.Model, caFile); err != nil {
		return err
	}
	if err := a.out.flush(); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// config reads the files.
func (f *simulateFlags) config() (*wsmantest.Config, error) {
	cfg := &wsmantest.Config{HTTP: f.http, Addr: f.listen}
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, &usageError{"--listen: " + err.Error()}
	}
	if host != "" {
		cfg.Names = []string{host}
	}
	cfg.Model = wsmantest.DefaultModel(time.Now())
	cfg.Model.Repeat(repeatEvery)
	if f.model != "" {
		if cfg.Model, err = readJSON(f.model, wsmantest.DecodeModel); err != nil {
			return nil, &usageError{"--model: " + err.Error()}
		}
	}
	if f.rules != "" {
		if cfg.Rules, err = readJSON(f.rules, wsmantest.DecodeRules); err != nil {
			return nil, &usageError{"--rules: " + err.Error()}
		}
	}
	if f.http && f.caOut != "" {
		return nil, &usageError{"--ca-out does not go with --http"}
	}
	return cfg, nil
}

// readJSON reads a file with decode.
func readJSON[T any](name string, decode func(io.Reader) (T, error)) (T, error) {
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
}

// writeCA writes the authority where the user wants it, or where remove takes it away.
func (f *simulateFlags) writeCA(pem []byte) (name string, remove func(), err error) {
	keep := func() {}
	switch {
	case pem == nil:
		return "", keep, nil
	case f.caOut != "":
		return f.caOut, keep, os.WriteFile(f.caOut, pem, 0o644) //nolint:gosec // a certificate is public
	}
	dir, err := os.MkdirTemp("", "hvmigerr-simulate-")
	if err != nil {
		return "", keep, err
	}
	remove = func() { _ = os.RemoveAll(dir) } // in the directory of temporary files: what is left harms nobody
	name = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(name, pem, 0o600); err != nil {
		remove()
		return "", keep, err
	}
	return name, remove, nil
}

// printSimulation says how the host is reached.
func (a *app) printSimulation(f *simulateFlags, server *wsmantest.Server, model *wsmantest.Model, caFile string) error {
	users := model.Users
	if users == nil {
		users = wsmantest.DefaultUsers()
	}
	if f.output != outputText {
		names := []string{}
		for i := range users {
			names = append(names, users[i].Name)
		}
		return a.writeJSON(object{
			{"schema", schema},
			{"command", "simulate"},
			{"url", server.URL()},
			{"caFile", nullable(caFile)},
			{"pin", nullable(server.Pin())},
			{"users", names},
		}, f.output)
	}
	a.out.printf("A simulated Hyper-V host, nothing of it is real.\n\n")
	a.out.printf("address    %s\n", server.URL())
	if caFile != "" {
		a.out.printf("CA file    %s\npin        %s\n", caFile, server.Pin())
	}
	for i := range users {
		a.out.printf("user       %s%s\n", safeLine(users[i].Name), access(users[i].Access))
	}
	if model.Users != nil {
		a.out.printf("passwords  those of the model\n")
		return nil
	}
	a.out.printf("passwords  the name and -pass\n\nTry:\n")
	trust, curlTrust := "--ca-file "+caFile, "--cacert "+caFile
	if f.http {
		trust, curlTrust = "--allow-unencrypted", "--noproxy '*'"
	}
	a.out.printf("  HVMIGERR_PASSWORD=administrator-pass hvmigerr get -u administrator \\\n    %s %s\n", trust, server.URL())
	a.out.printf("  curl %s -u administrator:administrator-pass \\\n", curlTrust)
	a.out.printf("    -H 'Content-Type: application/soap+xml;charset=UTF-8' -d '%s' \\\n    %s\n", identifyMessage, server.URL())
	a.out.printf("\nCtrl-C ends it.\n")
	return nil
}

// identifyMessage is the request Identify, for curl.
const identifyMessage = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>` +
	`<i:Identify xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"/></s:Body></s:Envelope>`

// access says what a user may do.
func access(a wsmantest.Access) string {
	switch a {
	case wsmantest.AccessRead:
		return " (reads, but may not call methods)"
	case wsmantest.AccessEmpty:
		return " (is shown nothing)"
	case wsmantest.AccessNone:
		return " (may not read)"
	case wsmantest.AccessFull:
	}
	return ""
}
