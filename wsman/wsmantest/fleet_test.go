package wsmantest_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// newFleet returns a fleet that listens until the test ends.
func newFleet(t *testing.T, cfg wsmantest.FleetConfig) *wsmantest.Fleet {
	t.Helper()
	f, err := wsmantest.NewFleet(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return f
}

// overHTTP is a host with nothing of its own.
func overHTTP(int) wsmantest.Config { return wsmantest.Config{HTTP: true} }

// jobStates returns the state of each job by its ID, as a host tells it.
func jobStates(t *testing.T, s *wsmantest.Server) map[string]string {
	t.Helper()
	states := map[string]string{}
	for job, err := range newClient(t, s, wsman.Config{}).Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs()}) {
		if err != nil {
			t.Fatal(err)
		}
		id, _, _ := job.Scalar("InstanceID")
		state, _, _ := job.Scalar("JobState")
		states[id.Text] = state.Text
	}
	return states
}

// TestFleet: every host has jobs of its own at an address of its own, and all have one certificate and one ticket.
func TestFleet(t *testing.T) {
	t.Parallel()
	f := newFleet(t, wsmantest.FleetConfig{
		Hosts: 3, User: func(i int) string { return []string{"", "reader", `CORP\a b`}[i] },
		Host: func(int) wsmantest.Config { return wsmantest.Config{Clock: (&clock{start}).now} },
	})
	var list strings.Builder
	if err := f.List(&list); err != nil {
		t.Fatal(err)
	}
	want := ""
	ids := map[string]bool{}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(f.Host(0).CACertPEM())
	for i, user := range []string{"", " user=reader", ` user="CORP\a b"`} {
		s := f.Host(i)
		want += s.Addr().String() + " https=true" + user + "\n"
		states := jobStates(t, s)
		for id := range states {
			ids[id] = true
		}
		if n := len(states); n != 3 {
			t.Errorf("host %d has %d jobs", i, n)
		}
		if s.Pin() != f.Host(0).Pin() {
			t.Errorf("host %d has a certificate of its own", i)
		}
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots, Time: (&clock{start}).now}}).DialContext(t.Context(), "tcp", s.Addr().String())
		if err != nil {
			t.Fatalf("host %d: %v", i, err)
		}
		_ = conn.Close()
		dialogue := dial(t, s)
		dialogue.shake("Kerberos", dialogue.kerberos(f.Host(0), "administrator", "HTTP/127.0.0.1"))
	}
	if diff := cmp.Diff(want, list.String()); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if f.Len() != 3 || len(ids) != 9 {
		t.Errorf("%d hosts with %d jobs", f.Len(), len(ids))
	}
}

// TestFleetOwn: what a host's configuration says goes before what is common.
func TestFleetOwn(t *testing.T) {
	t.Parallel()
	then := start.Add(time.Hour)
	f, err := wsmantest.NewFleet(wsmantest.FleetConfig{
		Hosts: 3,
		Host: func(i int) wsmantest.Config {
			return []wsmantest.Config{
				{Model: testModel(), Clock: (&clock{then}).now},
				{Model: testModel(), Clock: (&clock{start}).now, Names: []string{"other.example"}},
				{HTTP: true, Users: []wsmantest.User{{Name: "somebody"}}, Rules: []wsmantest.Rule{{Operation: "Identify", Fault: wsmantest.FaultAccessDenied}}},
			}[i]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := jobStates(t, f.Host(0)); len(got) != 0 {
		t.Errorf("an hour later there are jobs: %v", got)
	}
	if diff := cmp.Diff(map[string]string{jobFailed: "10", jobRunning: "4"}, jobStates(t, f.Host(1))); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if f.Host(1).Pin() == f.Host(0).Pin() || f.Host(2).Pin() != "" {
		t.Error("a host with names of its own has the certificate of all, or one of HTTP has any")
	}
	reply, err := f.Host(2).Transport("somebody").RoundTrip(t.Context(), &wsman.Request{Body: []byte(identifyEnvelope)})
	if err != nil || reply.StatusCode != http.StatusInternalServerError {
		t.Errorf("a rule of its own: %v, %v", reply, err)
	}
	var list strings.Builder
	if err := f.List(&list); err != nil || !strings.HasSuffix(list.String(), "\n127.0.0.1:0\n") {
		t.Errorf("before Start the list is %q, %v", list.String(), err)
	}
}

// TestFleetPlaces: consecutive ports, consecutive addresses, and what cannot be.
func TestFleetPlaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		cfg   wsmantest.FleetConfig
		lines []string // before Start
		want  string   // in the error
	}{
		{"ports", wsmantest.FleetConfig{Hosts: 3, Addr: "127.0.0.1:20009"}, []string{"127.0.0.1:20009", "127.0.0.1:20010", "127.0.0.1:20011"}, ""},
		{"last port", wsmantest.FleetConfig{Hosts: 2, Addr: "[::1]:65534"}, []string{"[::1]:65534", "[::1]:65535"}, ""},
		{"addresses", wsmantest.FleetConfig{Hosts: 3, Addr: "127.0.0.254:5985", Addresses: true}, []string{"127.0.0.254:5985", "127.0.0.255:5985", "127.0.1.0:5985"}, ""},
		{"IPv4 in IPv6", wsmantest.FleetConfig{Hosts: 2, Addr: "[::ffff:127.0.0.1]:5985", Addresses: true}, []string{"127.0.0.1:5985", "127.0.0.2:5985"}, ""},
		{"none", wsmantest.FleetConfig{}, nil, "from 1 to 20000 hosts, not 0"},
		{"too many", wsmantest.FleetConfig{Hosts: 20001}, nil, "not 20001"},
		{"name", wsmantest.FleetConfig{Hosts: 1, Addr: "localhost:1"}, nil, `not on "localhost:1"`},
		{"nowhere", wsmantest.FleetConfig{Hosts: 1, Addr: "0.0.0.0:1"}, nil, "0.0.0.0 is nowhere"},
		{"too few ports", wsmantest.FleetConfig{Hosts: 3, Addr: "127.0.0.1:65534"}, nil, "3 ports from 65534"},
		{"addresses of IPv6", wsmantest.FleetConfig{Hosts: 2, Addr: "[::1]:1", Addresses: true}, nil, "not at ::1"},
		{"end of loopback", wsmantest.FleetConfig{Hosts: 2, Addr: "127.255.255.255:1", Addresses: true}, nil, "do not all lie in 127.0.0.0/8"},
		{"user", wsmantest.FleetConfig{Hosts: 1, User: func(int) string { return `a"b` }}, nil, `host 1 of 1: user "a\"b" cannot`},
		{"rules", wsmantest.FleetConfig{Hosts: 2, Host: func(i int) wsmantest.Config {
			return wsmantest.Config{HTTP: true, Rules: []wsmantest.Rule{{Status: i}}}
		}}, nil, "wsmantest: host 2 of 2: rules[0]: status 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.cfg.Host == nil {
				tt.cfg.Host = overHTTP
			}
			f, err := wsmantest.NewFleet(tt.cfg)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "wsmantest: ") {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for i := range f.Len() {
				lines = append(lines, f.Line(i))
			}
			if diff := cmp.Diff(tt.lines, lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFleetTaken: when a port is taken no host listens, and the error names host and port.
func TestFleetTaken(t *testing.T) {
	t.Parallel()
	for range 100 { // until the port before it is free
		port := started(t, wsmantest.Config{HTTP: true}).Addr().(*net.TCPAddr).Port
		f, err := wsmantest.NewFleet(wsmantest.FleetConfig{Hosts: 3, Addr: fmt.Sprintf("127.0.0.1:%d", port-1), Host: overHTTP})
		if err != nil {
			t.Fatal(err)
		}
		err = f.Start()
		if err == nil || strings.Contains(err.Error(), "host 1 of 3") {
			_ = f.Close()
			continue
		}
		if want := fmt.Sprintf("wsmantest: host 2 of 3: listen tcp 127.0.0.1:%d: ", port); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Start: %v, want %s", err, want)
		}
		if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", f.Host(0).Addr().String()); err == nil {
			t.Error("the first host listens")
		}
		return
	}
	t.Error("no two consecutive ports were free")
}

// TestFleetAddresses listens on several addresses of the loopback network, where the system has them, and asks by TLS.
func TestFleetAddresses(t *testing.T) {
	t.Parallel()
	f, err := wsmantest.NewFleet(wsmantest.FleetConfig{
		Hosts: 3, Addresses: true, Host: func(int) wsmantest.Config { return wsmantest.Config{Clock: (&clock{start}).now} },
	})
	if err != nil {
		t.Fatal(err)
	}
	err = f.Start()
	if errors.Is(err, syscall.EADDRNOTAVAIL) && runtime.GOOS == "darwin" {
		if !strings.Contains(err.Error(), "leave out the many addresses") {
			t.Errorf("Start: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(f.Host(2).CACertPEM())
	for i := range 3 {
		addr := f.Host(i).Addr().(*net.TCPAddr)
		if want := fmt.Sprintf("127.0.0.%d", i+1); addr.IP.String() != want || addr.Port != f.Host(0).Addr().(*net.TCPAddr).Port {
			t.Errorf("host %d listens on %s", i, addr)
		}
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots, Time: (&clock{start}).now}}).DialContext(t.Context(), "tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		d := dial(t, f.Host(i))
		d.shake("Kerberos", d.kerberos(f.Host(0), "administrator", "HTTP/"+addr.IP.String()))
	}
}

// TestFleetTickets: the file of tickets for many addresses stays one that clients read.
func TestFleetTickets(t *testing.T) {
	t.Parallel()
	f, err := wsmantest.NewFleet(wsmantest.FleetConfig{Hosts: 1200, Addresses: true, Host: overHTTP})
	if err != nil {
		t.Fatal(err)
	}
	if cache, err := f.Host(1100).CCache("administrator"); err != nil || len(cache) > 1<<20 {
		t.Errorf("CCache: %d octets, %v", len(cache), err)
	}
}

// TestFleetIsSmall holds a host that nobody asks to a few kilobytes.
func TestFleetIsSmall(t *testing.T) {
	const hosts = 1000
	inUse := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := inUse()
	f := newFleet(t, wsmantest.FleetConfig{Hosts: hosts})
	if each := (inUse() - before) / hosts; each > 16<<10 {
		t.Errorf("%d octets per host", each)
	}
	runtime.KeepAlive(f)
}
