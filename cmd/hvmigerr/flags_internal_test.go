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
		want      string // method, user, and what else is left
		err       string
	}{
		{env: "CLIENT_CERT=c", args: "-u x", want: "auto x"},
		{env: "CLIENT_CERT=c CLIENT_KEY=k", args: "-u x", want: "auto x"},
		{env: "USER=x CLIENT_CERT=c CLIENT_KEY=k", args: "--password-file p", want: "auto x"},
		{env: "USER=x CLIENT_CERT=c CLIENT_KEY=k", args: "--password-command p", want: "auto x"},
		{env: "USER=x CLIENT_CERT=c CLIENT_KEY=k", args: "--auth basic", want: "basic x"},
		{env: "USER=x CLIENT_CERT=c", args: "--auth auto", want: "auto cert=c"},
		{env: "USER=x CLIENT_CERT=c", args: "--ccache f", want: "auto x ccache=f"},
		{env: "AUTH=certificate CLIENT_CERT=c", args: "-u x", want: "auto x"},
		{env: "USER=x PASSWORD_FILE=p PASSWORD_COMMAND=p", args: "--client-cert c", want: "auto cert=c"},
		{env: "USER=x CLIENT_KEY=k", args: "--client-cert c", want: "auto cert=c key=k"},
		{env: "USER=x AUTH=basic", args: "--client-cert c", want: "auto cert=c"},
		{env: "USER=x CCACHE=f KEYTAB=f KDC=dc SPN=s AUTH=kerberos", args: "--client-cert c", want: "auto cert=c"},
		{env: "USER=x CLIENT_CERT=c", args: "--auth certificate", want: "certificate cert=c"},
		{env: "USER=x CLIENT_CERT=c", args: "", want: "auto cert=c"},
		{env: "CLIENT_CERT=c", args: "--client-key k", want: "auto cert=c key=k"},
		{env: "USER=x CLIENT_KEY=k", args: "", want: "auto x"},
		{env: "AUTH=certificate CLIENT_CERT=c USER=x SEAL=never", args: "", want: "certificate cert=c"},
		// Sources of an identity.
		{env: "CCACHE=f", args: "-u x --password-file p", want: "auto x"},
		{env: "PASSWORD_FILE=p", args: "--keytab f", want: "auto keytab=f"},
		{env: "CCACHE=f", args: "--keytab f", want: "auto keytab=f"},
		// A typed name of Windows is none of Kerberos.
		{env: "KDC=dc KEYTAB=f", args: `-u CORP\me`, want: `auto CORP\me`},
		{env: "CCACHE=f", args: `-u .\me`, want: `auto .\me`},
		{env: `USER=CORP\me KEYTAB=f`, args: "", want: `auto CORP\me keytab=f`},
		{env: "KEYTAB=f", args: "-u me@CORP", want: "auto me@CORP keytab=f"},
		{args: `-u CORP\me --keytab f`, want: `auto CORP\me keytab=f`},
		// A method that has no use for them.
		{env: "CCACHE=f KDC=dc", args: "-u x --auth ntlm", want: "ntlm x"},
		{env: "KDC=dc,dc2 SPN=s SEAL=never", args: "-u x --auth basic", want: "basic x"},
		{env: "AUTH=basic", args: "-u x --kdc dc,dc2 --kdc dc3", want: "auto x kdc=dc,dc2,dc3"},
		{env: "AUTH=basic KDC=dc", args: "-u x", want: "basic x"},
		{env: "AUTH=kerberos CCACHE=f", args: "", want: "kerberos ccache=f"},
		{env: "KDC=dc,dc2", args: "-u x", want: "auto x kdc=dc,dc2"},
		{env: "SPN=s SEAL=never", args: "-u x --auth negotiate", want: "negotiate x spn=s seal=never"},
		// Contradictions of one source stay.
		{args: "-u x --client-cert c", err: "--user does not go with a client certificate"},
		{args: "--ccache f --client-cert c", err: "--ccache does not go with a client certificate"},
		{env: "AUTH=auto", args: "-u x --client-cert c", err: "--user does not go with a client certificate"},
		{args: "-u x --client-key k", err: "--client-key needs --client-cert"},
		{args: "-u x --auth ntlm --ccache f", err: "--ccache does not go with --auth ntlm"},
		{args: "-u x --auth ntlm --kdc f", err: "--kdc does not go with --auth ntlm"},
		{args: "-u x --auth basic --seal never", err: "--seal does not go with --auth basic"},
		{args: "-u x --auth basic --spn s", err: "--spn does not go with --auth basic"},
		{args: "--auth kerberos --client-cert c", err: "--client-cert does not go with --auth kerberos"},
		{args: "--auth certificate --client-cert c --seal never", err: "--seal does not go with --auth certificate"},
		{args: "--ccache f --keytab f", err: "--ccache and --keytab exclude each other"},
		{args: "--ccache f --password-file f", err: "--ccache and --password-file exclude each other"},
		{args: "--keytab f --password-command f", err: "--keytab and --password-command exclude each other"},
		{env: "CCACHE=f KEYTAB=f", args: "", err: "HVMIGERR_CCACHE and HVMIGERR_KEYTAB exclude each other"},
		{env: "CLIENT_CERT=c", args: "-u x --client-key k", err: "--client-key needs --client-cert"},
		{env: "CLIENT_KEY=k", args: "--auth certificate", err: "--auth certificate needs --client-cert"},
		{env: "AUTH=certificate", args: "", err: "HVMIGERR_AUTH certificate needs --client-cert"},
		{env: "AUTH=basic CLIENT_CERT=c", args: "", err: "HVMIGERR_CLIENT_CERT does not go with HVMIGERR_AUTH basic"},
		{env: "AUTH=ntlm CCACHE=c", args: "", err: "HVMIGERR_CCACHE does not go with HVMIGERR_AUTH ntlm"},
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
			got := strings.TrimSpace(f.auth + " " + f.user)
			for _, left := range [][2]string{
				{"cert", f.clientCert},
				{"key", f.clientKey},
				{"ccache", f.ccache},
				{"keytab", f.keytab},
				{"kdc", strings.Join(f.kdcs, ",")},
				{"spn", f.spn},
				{"seal", strings.TrimPrefix(f.seal, sealAlways)},
			} {
				if left[1] != "" {
					got += " " + left[0] + "=" + left[1]
				}
			}
			switch {
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
		"spn", "kdc", "ccache", "keytab", "seal",
		"locale", "uri-style", "trace",
	} {
		got := invokeRun(t.Context(), strings.NewReader(""), "identify", "hv01", "--"+name, "")
		if want := "hvmigerr: --" + name + " is empty; see hvmigerr identify -h\n"; got.code != exitUsage || got.stderr != want {
			t.Errorf("--%s '': %+v, want %q", name, got, want)
		}
	}
}
