// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestChooseMethod: what is typed about a user or about a certificate beats what the environment says about the other.
func TestChooseMethod(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct {
		env, args string
		want      string // method, user, certificate, key
		err       string
	}{
		{env: "CLIENT_CERT=c", args: "-u x", want: "basic x  "},
		{env: "CLIENT_CERT=c CLIENT_KEY=k", args: "-u x", want: "basic x  "},
		{env: "USER=x CLIENT_CERT=c CLIENT_KEY=k", args: "--password-file p", want: "basic x  "},
		{env: "USER=x CLIENT_CERT=c CLIENT_KEY=k", args: "--password-command p", want: "basic x  "},
		{env: "USER=x CLIENT_CERT=c CLIENT_KEY=k", args: "--auth basic", want: "basic x  "},
		{env: "AUTH=certificate CLIENT_CERT=c", args: "-u x", want: "basic x  "},
		{env: "USER=x PASSWORD_FILE=p PASSWORD_COMMAND=p", args: "--client-cert c", want: "certificate  c "},
		{env: "USER=x CLIENT_KEY=k", args: "--client-cert c", want: "certificate  c k"},
		{env: "USER=x AUTH=basic", args: "--client-cert c", want: "certificate  c "},
		{env: "USER=x CLIENT_CERT=c", args: "--auth certificate", want: "certificate  c "},
		{env: "USER=x CLIENT_CERT=c", args: "", want: "certificate x c "},
		{env: "CLIENT_CERT=c", args: "--client-key k", want: "certificate  c k"},
		{env: "USER=x CLIENT_KEY=k", args: "", want: "basic x  "},
		// Contradictions of one source stay.
		{args: "-u x --client-cert c", err: "--user does not go with"},
		{args: "-u x --client-key k", err: "--client-key needs --client-cert"},
		{env: "CLIENT_CERT=c", args: "-u x --client-key k", err: "--client-key needs --client-cert"},
		{env: "CLIENT_KEY=k", args: "--auth certificate", err: "--auth certificate needs --client-cert"},
		{env: "AUTH=certificate", args: "", err: "HVMIGERR_AUTH certificate needs --client-cert"},
		{env: "AUTH=basic CLIENT_CERT=c", args: "", err: "HVMIGERR_CLIENT_CERT does not go with HVMIGERR_AUTH basic"},
		{env: "PASSWORD_FILE=p PASSWORD_COMMAND=p", args: "-u x", err: "HVMIGERR_PASSWORD_FILE and HVMIGERR_PASSWORD_COMMAND exclude"},
	} {
		t.Run(tt.env+" "+tt.args, func(t *testing.T) {
			for kv := range strings.FieldsSeq(tt.env) {
				name, value, _ := strings.Cut(kv, "=")
				t.Setenv(envPrefix+name, value)
			}
			var f connectionFlags
			cmd := &cobra.Command{}
			f.register(cmd)
			if err := cmd.ParseFlags(strings.Fields(tt.args)); err != nil {
				t.Fatal(err)
			}
			err := f.finish(cmd.Flags())
			switch got := strings.Join([]string{f.auth, f.user, f.clientCert, f.clientKey}, " "); {
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("finish = %v, want an error with %q", err, tt.err)
			case tt.err == "" && (err != nil || got != tt.want):
				t.Errorf("finish left %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// TestEmptyFlags: an empty value is a variable of a script that was not set, not a choice.
func TestEmptyFlags(t *testing.T) {
	clearEnvironment(t)
	for _, name := range []string{
		"user", "password-file", "password-command", "auth", "ca-file", "tls-server-name", "client-cert", "client-key", "proxy",
		"locale", "uri-style", "trace",
	} {
		got := invokeRun(t.Context(), strings.NewReader(""), "identify", "hv01", "--"+name, "")
		if want := "hvmigerr: --" + name + " is empty; see hvmigerr identify -h\n"; got.code != exitUsage || got.stderr != want {
			t.Errorf("--%s '': %+v, want %q", name, got, want)
		}
	}
}
