//go:build integration

package integrationtest_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/masterzen/winrm"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
	bridge "github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
)

// TestShell: masterzen/winrm's own Client runs a command at the acceptor, over our sealed session: one connection, and each message of the
// shell unsealed by gss-ntlmssp or MIT krb5.
func TestShell(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	for _, tt := range []struct {
		protection
		cfg       transport.Config
		mechanism string
		user      string
		signature int
	}{
		{ntlm[0], ntlmConfig(ntlm[0].auth), "NTLM", `CORP\` + user, 16},
		{ntlm[1], ntlmConfig(ntlm[1].auth), "NTLM", `CORP\` + user, 16},
		{kerberos[0], k.kerberosConfig(t, kerberos[0].auth, byPassword()), "Kerberos", user + "@" + realm, 72},
		{kerberos[1], k.kerberosConfig(t, kerberos[1].auth, byPassword()), "Kerberos", user + "@" + realm, 72},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAcceptor(t, environment(t, k), "--shell")
			proxy, err := transport.ParseProxy("none")
			if err != nil {
				t.Fatal(err)
			}
			tt.cfg.DialContext, tt.cfg.Proxy = dialLoopback, proxy
			tr := bridge.NewTransporter(t.Context(), tt.cfg)
			t.Cleanup(func() { _ = tr.Close() })
			params := winrm.NewParameters("PT60S", "en-US", 153600)
			params.TransportDecorator = func() winrm.Transporter { return tr }
			client, err := winrm.NewClientWithParameters(winrm.NewEndpoint("localhost", a.port, false, false, nil, nil, nil, 0), "", "", params)
			if err != nil {
				t.Fatal(err)
			}
			const line = `äpfel & "birnen" < x`
			stdout, stderr, code, err := client.RunCmdWithContext(t.Context(), line)
			if stdout != line || stderr != strconv.Itoa(len(line)) || code != 3 || err != nil {
				t.Errorf("Run = %q, %q, %d, %v", stdout, stderr, code, err)
			}
			records := a.stop(t)
			if len(records) != len(tt.legs)+5 { // Create, Command, Receive, Signal, Delete
				t.Errorf("%d requests, want %d and 5: %+v", len(records), len(tt.legs), records)
			}
			for _, r := range records[len(tt.legs):] {
				if r.Leg || r.Connection != records[0].Connection || r.Status != http.StatusOK || r.Scheme != tt.scheme ||
					r.Mechanism != tt.mechanism || r.User != tt.user || r.Signature != tt.signature {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}
