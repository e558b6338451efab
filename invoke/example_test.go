package invoke_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// whyFailed is a whole program but for main: it prints why the migrations of a host failed.
func whyFailed(ctx context.Context, url string, pin transport.Pin) error {
	t, err := transport.New(transport.Config{
		URL: url, Pins: []transport.Pin{pin}, Auth: transport.AuthBasic,
		User: "administrator", Password: transport.NewSecret("administrator-pass"),
	})
	if err != nil {
		return err
	}
	defer t.CloseIdleConnections()
	client, err := wsman.NewClient(wsman.Config{Endpoint: url, Transport: t})
	if err != nil {
		return err
	}
	for job, err := range invoke.Jobs(ctx, client, &invoke.Filter{Failed: true}) {
		if err != nil {
			return err
		}
		diagnosis, err := invoke.Diagnose(ctx, client, job)
		fmt.Printf("%s: %v\n", diagnosis.VM, job.JobState)
		for _, part := range diagnosis.Parts {
			fmt.Printf("  %s: %v\n", part.Source, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func ExampleDiagnose() {
	// A simulated host takes the place of a real one.
	server, err := wsmantest.NewServer(wsmantest.Config{Model: model(), Users: wsmantest.DefaultUsers()})
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	pin, err := transport.ParsePin(server.Pin())
	if err == nil {
		err = whyFailed(context.Background(), server.URL(), pin)
	}
	if err = errors.Join(err, server.Close()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// web01: Exception
	//   GetErrorEx: Moving 'web01' away from 'HV01' did not work.
	//   GetErrorEx: The other host, 'HV02', let nobody in (0x8009030E).
	// sql: Completed
	//   GetErrorEx: The other host, 'HV02', let nobody in (0x8009030E).
}

// client reaches the simulated host without a network.
func client() *wsman.Client {
	server, err := wsmantest.NewServer(wsmantest.Config{Model: model(), Users: wsmantest.DefaultUsers()})
	if err != nil {
		panic(err)
	}
	c, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: server.Transport("administrator")})
	if err != nil {
		panic(err)
	}
	return c
}

func ExampleJobs() {
	filter := &invoke.Filter{VM: "web01"}
	for job, err := range invoke.Jobs(context.Background(), client(), filter) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(job.ID(), job.JobState, job.Failed())
	}
	// Output:
	// 0F0E0D0C-0001-4000-8000-0000000000D1 Exception true
	// 0F0E0D0C-0004-4000-8000-0000000000D4 Running false
}

func ExampleJob() {
	_, err := invoke.Job(context.Background(), client(), "0F0E0D0C-0099-4000-8000-0000000000D9")
	fmt.Println(errors.Is(err, invoke.ErrNoSuchJob), err)
	// Output:
	// true no such job, or it has expired: 0F0E0D0C-0099-4000-8000-0000000000D9
}

func ExampleGetErrorEx() {
	answer, err := invoke.GetErrorEx(context.Background(), client(), "0F0E0D0C-0001-4000-8000-0000000000D1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Method, "returned", answer.ReturnValue)
	for _, e := range answer.Errors {
		fmt.Println(e.Error)
	}
	// Output:
	// GetErrorEx returned Completed with No Error
	// Moving 'web01' away from 'HV01' did not work.
	// The other host, 'HV02', let nobody in (0x8009030E).
}
