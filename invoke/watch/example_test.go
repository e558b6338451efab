package watch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// watched describes a host to watch: how a session is opened, and which errors mean that the password is wrong.
func watched(name, url string, password transport.Secret) watch.Host {
	return watch.Host{
		Name: name,
		Open: func(context.Context) (invoke.Client, func(), error) {
			tr, err := transport.New(transport.Config{URL: url, Auth: transport.AuthNTLM, User: "administrator", Password: password})
			if err != nil {
				return nil, nil, err
			}
			c, err := wsman.NewClient(wsman.Config{Endpoint: url, Transport: tr})
			return c, func() { _ = tr.Close() }, err
		},
		Refused: func(err error) bool {
			h, ok := errors.AsType[*wsman.HTTPError](err)
			return ok && h.StatusCode == http.StatusUnauthorized
		},
	}
}

func ExampleEvents() {
	// A simulated host takes the place of a real one: one migration has failed, and another will in a moment.
	server, err := wsmantest.NewServer(wsmantest.Config{HTTP: true, Model: simModel(
		simJob("JOB-1", -time.Minute, time.Second, wsmantest.Failed),
		simJob("JOB-2", 0, 300*time.Millisecond, wsmantest.Failed),
	)})
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()
	cfg := &watch.Config{
		Hosts:    []watch.Host{watched("HV01", server.URL(), transport.NewSecret("administrator-pass"))},
		Interval: 100 * time.Millisecond,
	}
	failures := 0
	for e := range watch.Events(context.Background(), cfg) {
		if e.Kind != watch.JobFailed {
			continue
		}
		fmt.Println(e.VM, "on", e.Host.Name, "failed:")
		for _, part := range e.Diagnosis.Parts {
			fmt.Println(" ", part)
		}
		if failures++; failures == 2 {
			break
		}
	}
	// Output:
	// web-01 on HV01 failed:
	//   It went wrong with JOB-1.
	// web-01 on HV01 failed:
	//   It went wrong with JOB-2.
}
