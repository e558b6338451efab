package fleet_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

func Example() {
	hosts := []fleet.Host{
		{Name: "hv01", Credential: "ntlm svc"},
		{Name: "hv02", Credential: "ntlm svc"},
		{Name: "hv03", Credential: "ntlm admin"},
		{Name: "hv04", Credential: "ntlm svc"},
		{Name: "hv05", Credential: "ntlm svc"},
		{Name: "hv06", Credential: "ntlm admin"},
	}
	// ask stands for a question to a host that knows admin's password, but not svc's.
	ask := func(_ context.Context, i int, a *fleet.Attempt) (string, error) {
		if hosts[i].Credential != "ntlm admin" {
			err := errors.New("wrong password")
			a.Refused(err)
			return "", err
		}
		a.Taken()
		return "no failed jobs", nil
	}
	answers := make([]string, len(hosts))
	for r := range fleet.Run(context.Background(), &fleet.Config{Parallel: 2}, hosts, ask) {
		answers[r.Index] = r.Value
		if r.Err != nil {
			answers[r.Index] = r.Err.Error()
		}
	}
	for i, answer := range answers {
		fmt.Println(hosts[i].Name+":", answer)
	}
	// Output:
	// hv01: wrong password
	// hv02: wrong password
	// hv03: no failed jobs
	// hv04: wrong password
	// hv05: not tried: refused by hv01, hv02 and hv04
	// hv06: no failed jobs
}
