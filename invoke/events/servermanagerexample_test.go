package events_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// ExampleServerManager reads the newest events of a channel.
func ExampleServerManager() {
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	server, err := wsmantest.NewServer(wsmantest.Config{Clock: func() time.Time { return at }, Model: &wsmantest.Model{
		Start: at,
		EventLogs: []wsmantest.EventLog{{Channel: "Microsoft-Windows-Hyper-V-VMMS-Admin", Events: []wsmantest.LogEvent{
			{ID: 21024, Level: 2, At: wsmantest.Duration(-time.Minute), Message: "The migration of 'web-01' failed."},
		}}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: server.Transport("administrator")})
	if err != nil {
		fmt.Println(err)
		return
	}
	route := events.NewServerManager(client)
	sel := &events.Selection{Channel: events.DefaultChannels()[0], Since: time.Hour}
	for e, err := range route.Events(context.Background(), sel) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.Time.Format(time.TimeOnly), e.ID(), e.Message())
	}
	// Output: 07:59:00 21024 The migration of 'web-01' failed.
}
