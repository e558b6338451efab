package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	breaker := fleet.NewBreaker(5 * time.Second)
	// ask stands for a question to a host that knows admin's password, but not svc's. All that can be done without the password, such
	// as to connect, comes before Enter.
	ask := func(ctx context.Context, h fleet.Host) (string, error) {
		attempt, err := breaker.Enter(ctx, h)
		if err != nil {
			return "", err
		}
		defer attempt.Leave()
		if h.Credential != "ntlm admin" {
			err := errors.New("wrong password")
			attempt.Refused(err)
			return "", err
		}
		attempt.Taken()
		return "no failed jobs", nil
	}
	// One at a time, so that the order is always the same.
	for r := range fleet.Run(context.Background(), 1, hosts, ask) {
		answer := r.Value
		if r.Err != nil {
			answer = r.Err.Error()
		}
		fmt.Println(hosts[r.Index].Name+":", answer)
	}
	// Output:
	// hv01: wrong password
	// hv02: wrong password
	// hv03: no failed jobs
	// hv04: wrong password
	// hv05: not tried: refused by hv01, hv02 and hv04
	// hv06: no failed jobs
}
