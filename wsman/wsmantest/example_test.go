package wsmantest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A simulated host needs no network: a client of package wsman talks to it in-process.
func ExampleServer_Transport() {
	s, err := wsmantest.NewServer(wsmantest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := wsman.NewClient(wsman.Config{Endpoint: s.URL(), Transport: s.Transport("administrator")})
	if err != nil {
		fmt.Println(err)
		return
	}
	job := wsman.Resource{Namespace: "root/virtualization/v2", Class: "Msvm_MigrationJob"}
	query := "select * from Msvm_MigrationJob where JobState = 10"
	failed := 0
	for _, err := range client.Enumerate(context.Background(), &wsman.EnumerateRequest{Resource: job, Query: query}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		failed++
	}
	fmt.Println(failed, "migrations failed")
	// Output: 4 migrations failed
}

// A host on plain HTTP takes sealed messages alone. Kerberos clients of any make find their tickets in the file.
func ExampleServer_CCache() {
	s, err := wsmantest.NewServer(wsmantest.Config{HTTP: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	cache, err := s.CCache("administrator")
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
	if err := os.WriteFile(filepath.Join(dir, "krb5cc"), cache, 0o600); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("administrator@" + s.Realm()) // and KRB5CCNAME=FILE: with the path
	// Output: administrator@CORP.EXAMPLE
}

// A model is a readable file; rules make the host misbehave.
func ExampleDecodeModel() {
	model, err := wsmantest.DecodeModel(strings.NewReader(`{
		"host": "HV05",
		"vms":  [{"name": "web-01", "id": "5F1C2A9E-3B77-4D0A-9C55-0E6B8A1D4F21"}],
		"jobs": [{
			"id": "4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B", "vm": "web-01", "destination": "HV06",
			"startsAfter": "-1m", "duration": "20s", "outcome": "failed",
			"errors": [{"message": "The destination has too little memory (0x8007000E).", "messageID": "3122"}]
		}],
		"rules": [{"operation": "GetErrorEx", "count": 1, "fault": "QuotaUser"}]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(model.Host, model.Jobs[0].Outcome, time.Duration(model.Jobs[0].Duration))
	// Output: HV05 failed 20s
}

// Three hosts run in this process. One of them restarts and is back at its address. Fleet.List writes their addresses as
// `hvmigerr get @FILE` reads them.
func ExampleFleet() {
	f, err := wsmantest.NewFleet(wsmantest.FleetConfig{
		Hosts: 3,
		Delay: 20 * time.Millisecond, // as on a long way
		Host:  func(int) wsmantest.Config { return wsmantest.Config{HTTP: true} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := f.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = f.Close() }()
	var before, after strings.Builder
	err = errors.Join(f.List(&before), f.Restart(1), f.List(&after))
	fmt.Println(strings.Count(before.String(), "\n"), "hosts, where they were:", before.String() == after.String(), err)
	// Output: 3 hosts, where they were: true <nil>
}
