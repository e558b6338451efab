package transport_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// identify asks the host at url what it is.
func identify(url string, tr *transport.Transport) {
	client, err := wsman.NewClient(wsman.Config{Endpoint: url, Transport: tr})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := client.Identify(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tr.Mechanism(), id.ProductVendor)
}

// defaultHost starts a simulated host that is set up as Windows does it.
func defaultHost() (*wsmantest.Server, error) {
	host, err := wsmantest.NewServer(wsmantest.Config{HTTP: true})
	if err != nil {
		return nil, err
	}
	return host, host.Start()
}

// A Windows host as it is set up: http, NTLM, and each message sealed.
func ExampleNew() {
	host, err := defaultHost()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = host.Close() }()

	tr, err := transport.New(transport.Config{
		URL:      host.URL(),
		Auth:     transport.AuthNTLM,
		User:     `.\administrator`,
		Password: transport.NewSecret("administrator-pass"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tr.Close() }()
	identify(host.URL(), tr)
	// Output: NTLM hvmigerr
}

// A ticket of Kerberos, from the file that kinit has left. One Kerberos serves transports to any number of hosts.
func ExampleNewKerberos() {
	host, err := defaultHost()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = host.Close() }()
	cache, err := host.CCache("administrator") // in place of kinit
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "krb5cc")
	if err := os.WriteFile(path, cache, 0o600); err != nil {
		fmt.Println(err)
		return
	}

	kerberos, err := transport.NewKerberos(transport.KerberosConfig{CCache: path, ConfPath: os.DevNull})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = kerberos.Close() }()
	tr, err := transport.New(transport.Config{URL: host.URL(), Auth: transport.AuthNegotiate, Kerberos: kerberos})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tr.Close() }()
	fmt.Println(kerberos.User())
	identify(host.URL(), tr)
	// Output:
	// administrator@CORP.EXAMPLE
	// Kerberos hvmigerr
}

// What auto chooses, without sending anything.
func ExampleChoose() {
	for _, f := range []transport.AuthFacts{
		{Host: "hv01", User: `CORP\me`},
		{Host: "192.0.2.7", User: "me"},
		{Host: "hv01", Keytab: "me.keytab"},
	} {
		f.ConfPath = os.DevNull
		choice, err := transport.Choose(&f)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %s\n", choice.Mechanism, choice.Reason)
	}
	// Output:
	// NTLM: CORP\me names a Windows domain
	// NTLM: 192.0.2.7 is an IP address
	// Kerberos: a keytab is given
}

// Basic goes over TLS alone. A pin stands for the host's certificate.
func ExampleParsePin() {
	host := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/soap+xml;charset=UTF-8")
		_, _ = fmt.Fprintf(w, "<!-- hello, %s -->", user)
	}))
	defer host.Close()
	pin, err := transport.ParsePin(fmt.Sprintf("sha256:%x", sha256.Sum256(host.Certificate().Raw)))
	if err != nil {
		fmt.Println(err)
		return
	}

	tr, err := transport.New(transport.Config{
		URL:      host.URL + "/wsman",
		Auth:     transport.AuthBasic,
		User:     "hv-reader",
		Password: transport.NewSecret("secret"),
		Pins:     []transport.Pin{pin},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tr.Close() }()

	reply, err := tr.RoundTrip(context.Background(), &wsman.Request{Body: []byte("<an-envelope/>")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d %s\n", reply.StatusCode, reply.Body)
	// Output: 200 <!-- hello, hv-reader -->
}
