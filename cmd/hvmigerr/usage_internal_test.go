// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"strings"
	"testing"
)

// TestRunUsage holds what is wrong with a command line: exit 2, one line with the flag's name, nothing sent, no password asked for.
func TestRunUsage(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct {
		args   string
		stderr string
	}{
		{"gte hv01", `unknown command "gte", did you mean get; see hvmigerr -h`},
		{"xyzzy", `unknown command "xyzzy"; see hvmigerr -h`},
		{"get", "HOST is missing; see hvmigerr get -h"},
		{"jobs", "HOST is missing; see hvmigerr jobs -h"},
		{"decode a b", "only one FILE"},
		{"explain nosuch.xml", "FILE: open nosuch.xml"},
		{"explain -x 5", "unknown shorthand flag: 'x'; see hvmigerr explain -h"},
		{"completion nosh", `unknown command "nosh"`},
		{"help nosh", `unknown command "nosh"`},
		{"demo x", `unexpected argument "x"`},
		{"version x", `unexpected argument "x"`},
		{"get --nope hv01", "unknown flag: --nope"},
		{"get --password hunter2 hv01", "unknown flag: --password; a password comes from --password-file FILE, "},
		{"get -phunter2 hv01", "--parallel is not a number from 1 to 100000; a password comes from --password-file FILE, "},
		{"get -p 0 hv01", "--parallel is not a number from 1 to 100000; see hvmigerr get -h"},
		{"get -p -1 hv01", "--parallel is not a number from 1 to 100000; see hvmigerr get -h"},
		{"get -p 100001 hv01", "--parallel is not a number from 1 to 100000; see hvmigerr get -h"},
		{"get -p 99999999999999999999 hv01", "--parallel is not a number from 1 to 100000; see hvmigerr get -h"},
		{"get -P hunter2 hv01", "unknown shorthand flag: 'P'; see hvmigerr get -h"},
		{"version --password hunter2", "unknown flag: --password; see hvmigerr version -h"},
		{`get hv01 -u CORP\`, `--user "CORP\\" names no user`},
		{`get hv01 -u .\ --auth ntlm`, `--user ".\\" names no user`},
		{"get hv01 -u @CORP --kdc dc", `--user "@CORP" names no user`},
		{"get hv01 -u x@ --auth ntlm", `--user "x@" names no user`},
		{"get hv01 -u", "flag needs an argument: 'u'"},
		{"get hv01 --auth basic", "--user is missing"},
		{"get hv01 --auth ntlm", "--user is missing"},
		{"get hv01 -u a:b --auth basic", "--user holds a colon or a control"},
		{"get hv01 -u a\ab", "--user holds a control character"},
		{"get hv01 -u x", "no password"},
		{"get hv01 -u x --http", "no password"},
		{"get hv01 -u x@CORP --kdc dc", "no password"},
		{"get hv01 -u x@CORP --auth kerberos", "no password"},
		{"get hv01 --password-file p", "--password-file needs --user"},
		{"identify hv01 --auth kerberos --password-command p", "--password-command needs --user"},
		{"identify hv01 --password-command p", "--password-command needs --user"},
		{`get hv01 -u CORP\x --kdc dc`, `--user "CORP\\x" is a name for NTLM`},
		{`get hv01 -u CORP\x --auth kerberos`, `--user "CORP\\x" is a name for NTLM`},
		{"get hv01 -u x --auth basic --http", "--auth basic over http"},
		{"get hv01:5985 -u x --auth basic", "--auth basic over http"},
		{"get http://hv01 -u x --auth basic", "--auth basic over http"},
		{"get hv01 -u x --seal never", "--seal never over http would send everything in clear"},
		{"get hv01 -u x --seal never --https", "no password"},
		{"get hv01 -u x --seal no", `--seal "no" is neither always nor never`},
		{"get hv01 -u x --seal=", "--seal is empty"},
		{"get hv01 -u x --kdc dc,,dc2", "--kdc is empty"},
		{"get hv01 -u x --auth none", `--auth "none" is none of auto, kerberos, negotiate, ntlm, basic, certificate`},
		{"get hv01 --auth certificate", "needs --client-cert"},
		{"get hv01 --client-key k", "--client-key needs --client-cert"},
		{"get hv01 --client-cert c -u x", "--user does not go with"},
		{"get hv01 --client-cert c --password-file p", "--password-file does not go with"},
		{"get hv01 --client-cert c --auth basic", "--client-cert does not go with --auth basic"},
		{"get hv01 --client-cert nosuch.pem", "--client-cert: open nosuch.pem"},
		{"get hv01 --client-cert c --http", "--client-cert needs https"},
		{"get hv01 -u x --http --https", "--http and --https exclude each other"},
		{"get http://hv01 -u x --https", "--https contradicts"},
		{"get https://hv01 -u x --http", "--http contradicts"},
		{"get hv01:5986 -u x --port 5985", "--port 5985 contradicts"},
		{"get hv01 -u x --port 0", "--port must not be 0"},
		{"get hv01 -u x --port 99999", `--port: invalid value "99999"`},
		{"get hv01 -u x --http --tls-pin sha256:00", "--tls-pin needs https"},
		{"get hv01 -u x --tls-pin sha256:00", "--tls-pin: pin"},
		{"get hv01 -u x --ca-file nosuch.pem", "--ca-file: open nosuch.pem"},
		{"get hv01 -u x --ca-file main.go", "--ca-file: main.go holds no certificate"},
		{"get hv01 -u x --ca-file a --tls-pin b", "--ca-file and --tls-pin exclude each other"},
		{"get hv01 -u x --insecure --tls-pin b", "--insecure and --tls-pin exclude each other"},
		{"get hv01 -u x --insecure --ca-file b", "--insecure and --ca-file exclude each other"},
		{"get hv01 -u x --password-file a --password-command b", "--password-file and --password-command exclude each other"},
		{"get hv01 -u x --password-file nosuch", "--password-file: open nosuch"},
		{"get hv01 -u x --password-command '", "--password-command: "},
		{"get hv01 -u x --proxy ftp://user:hunter2@x", "--proxy: "},
		{"get hv01 -u x --timeout 0s", "--timeout must be longer than 0"},
		{"get hv01 -u x --timeout 5", `--timeout: invalid value "5", want one such as 5s; see`},
		{"get hv01 -u x --locale de_DE", `--locale "de_DE" is no language tag`},
		{"get hv01 -u x --connect-timeout -1s", "--connect-timeout must be longer than 0"},
		{"get hv01 -u x --uri-style omi", `--uri-style "omi"`},
		{"get hv01 -u x -o yaml", `--output "yaml"`},
		{"decode -o yaml", `--output "yaml"`},
		{"version -o yaml", `--output "yaml"`},
		{"explain -o yaml 5", `--output "yaml"`},
		{"get hv01 -u x --job j --vm v", "--job and --vm exclude each other"},
		{"get hv01 -u x --job j --latest", "--job and --latest exclude each other"},
		{"get hv01 -u x --job j --all", "--job and --all exclude each other"},
		{"get hv01 -u x --job=", "--job is empty"},
		{"get hv01 -u x --vm=", "--vm is empty"},
		{"get hv01 -u x --method GetErrors", `--method "GetErrors"`},
		{"get @hosts -u x", "HOST @hosts: no such file or directory"},
		{"decode nosuch.xml", "FILE: open nosuch.xml"},
		{"simulate --model nosuch.json", "--model: open nosuch.json"},
		{"simulate --rules nosuch.json", "--rules: open nosuch.json"},
		{"simulate --listen nowhere", "--listen: "},
		{"simulate --listen 127.0.0.1:99999", `hvmigerr: --listen: port "99999" is not 0 to 65535`},
		{"simulate --print-model --model m", "--print-model prints the built-in model"},
		{"simulate --http --ca-out x", "--ca-out does not go with --http"},
		{"simulate --allow-unencrypted", "--allow-unencrypted needs --http"},
		{"simulate --auth telepathy", `--auth: "telepathy" is none of ntlm, kerberos, basic, certificate`},
		{"simulate --http --auth ntlm,basic", "--auth basic with --http needs --allow-unencrypted"},
		{"simulate --http --auth certificate", "--auth certificate does not go with --http"},
		{"simulate --auth ntlm --ccache-out x", "--ccache-out needs kerberos among --auth"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			got := invokeRun(t.Context(), strings.NewReader(""), strings.Fields(tt.args)...)
			if got.code != exitUsage || got.stdout != "" {
				t.Errorf("run = %+v, want exit %d and an empty stdout", got, exitUsage)
			}
			if !strings.HasPrefix(got.stderr, "hvmigerr: "+tt.stderr) && !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("stderr %q, want %q in it", got.stderr, tt.stderr)
			}
			if n := strings.Count(got.stderr, "\n"); n != 1 || !strings.Contains(got.stderr, " -h\n") {
				t.Errorf("stderr %q, want one line that ends with a pointer to -h", got.stderr)
			}
			if strings.Contains(got.stderr, "hunter2") {
				t.Errorf("stderr %q repeats a password", got.stderr)
			}
		})
	}
}

// TestEnvironment: each variable is the default of its flag, gives way to what is typed, and is checked like it.
func TestEnvironment(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct {
		env    string
		args   string
		stderr string
	}{
		{"TIMEOUT=soon", "get hv01 -u x", `HVMIGERR_TIMEOUT: invalid value "soon" for --timeout, want one such as 5s`},
		{"TIMEOUT=0s", "get hv01 -u x", "hvmigerr: HVMIGERR_TIMEOUT must be longer"},
		{"CONNECT_TIMEOUT=0s", "get hv01 -u x", "hvmigerr: HVMIGERR_CONNECT_TIMEOUT must be longer"},
		{"OUTPUT=yaml", "get hv01 -u x", `HVMIGERR_OUTPUT: invalid value "yaml" for --output`},
		{"NO_EXPLAIN=perhaps", "decode", `HVMIGERR_NO_EXPLAIN: invalid value "perhaps" for --no-explain`},
		{"NO_EXPLAIN=perhaps", "jobs hv01 -u x", `HVMIGERR_NO_EXPLAIN: invalid value "perhaps" for --no-explain`},
		{"OUTPUT=yaml", "explain 5", `HVMIGERR_OUTPUT: invalid value "yaml" for --output`},
		{"OUTPUT=yaml", "version", `HVMIGERR_OUTPUT: invalid value "yaml" for --output`},
		{"AUTH=none", "get hv01 -u x", `hvmigerr: HVMIGERR_AUTH "none"`},
		{"AUTH=basic", "get hv01 -u x:y", "basic cannot carry"},
		{"AUTH=basic", "get hv01 -u x --http", "hvmigerr: HVMIGERR_AUTH basic over http"},
		{"SEAL=never", "get hv01 -u x", "hvmigerr: HVMIGERR_SEAL never over http"},
		{"SEAL=no", "get hv01 -u x", `hvmigerr: HVMIGERR_SEAL "no"`},
		{"KDC=dc1,dc2", `get hv01 -u CORP\x`, "no password"}, // NTLM: a typed name of Windows beats it
		{"SPN=HTTP/x", "get hv01 -u x", "no password"},
		{"LOCALE=C.UTF-8", "get hv01 -u x", `hvmigerr: HVMIGERR_LOCALE "C.UTF-8" is no language tag`},
		{"PORT=0", "get hv01 -u x", "hvmigerr: HVMIGERR_PORT must not be 0"},
		{"TLS_PIN=sha256:00", "get hv01 -u x", "HVMIGERR_TLS_PIN: pin"},
		{"TLS_PIN=sha256:00", "get hv01 -u x --ca-file nosuch.pem", "--ca-file: open nosuch.pem"}, // the typed one wins
		{"CA_FILE=nosuch.pem", "get hv01 -u x", "HVMIGERR_CA_FILE: open nosuch.pem"},
		{"HTTPS=false", "get hv01 -u x --auth basic", "--auth basic over http"},
		{"HTTPS=false", "get hv01 -u x --https --ca-file nosuch.pem", "--ca-file: open nosuch.pem"},
		{"PORT=5985", "get hv01 -u x", "no password"}, // it does not choose http
		{"PORT=0x", "get hv01 -u x", `HVMIGERR_PORT: invalid value "0x" for --port`},
		{"PASSWORD_FILE=nosuch", "get hv01 -u x", "hvmigerr: HVMIGERR_PASSWORD_FILE: open nosuch"},
		{"PASSWORD_COMMAND='", "get hv01 -u x", "hvmigerr: HVMIGERR_PASSWORD_COMMAND: "},
		{"PASSWORD_FILE=nosuch", "get hv01 -u x --password-command '", "--password-command: "},
		{"URI_STYLE=omi", "get hv01 -u x", `hvmigerr: HVMIGERR_URI_STYLE "omi"`},
		{"PROXY=ftp://x", "get hv01 -u x", "HVMIGERR_PROXY: "},
		// These have no variable.
		{"ALLOW_UNENCRYPTED=true", "get http://hv01 -u x --auth basic", "--auth basic over http"},
		{"ALLOW_UNENCRYPTED=true", "get http://hv01 -u x --seal never", "--seal never over http"},
		{"HTTP=true", "get hv01 -u x", "no password"},
		{"INSECURE=true", "get hv01 -u x --tls-pin sha256:00", "--tls-pin: pin"},
	} {
		t.Run(tt.env+" "+tt.args, func(t *testing.T) {
			name, value, _ := strings.Cut(tt.env, "=")
			t.Setenv(envPrefix+name, value)
			got := invokeRun(t.Context(), strings.NewReader(""), strings.Fields(tt.args)...)
			if got.code != exitUsage || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("run = %+v, want exit %d and %q", got, exitUsage, tt.stderr)
			}
		})
	}
}
