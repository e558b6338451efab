package wsman_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// simulated returns a client of a simulated Hyper-V host. Against a real one the Transport is one of package transport.
func simulated(user string) *wsman.Client {
	server, err := wsmantest.NewServer(wsmantest.Config{})
	if err != nil {
		panic(err)
	}
	client, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: server.Transport(user)})
	if err != nil {
		panic(err)
	}
	return client
}

// Enumerate yields instances one by one; the service's context is released however the loop ends.
func ExampleClient_Enumerate() {
	client := simulated("administrator")
	req := &wsman.EnumerateRequest{
		Resource: wsman.Resource{Namespace: "root/virtualization/v2"},
		Query:    "select * from Msvm_ComputerSystem where ElementName = " + wsman.QuoteWQL("web-01"),
	}
	for vm, err := range client.Enumerate(context.Background(), req) {
		if err != nil {
			fmt.Println(err)
			return
		}
		state, _, _ := vm.Scalar("EnabledState")
		number, err := state.Uint(16)
		fmt.Println(vm.Name, number, err)
	}
	// Output: Msvm_ComputerSystem 2 <nil>
}

// A service that refuses answers with a fault; its predicates tell what callers need.
func ExampleFault() {
	client := simulated("denied")
	_, err := client.Get(context.Background(), &wsman.GetRequest{
		Resource:  wsman.Resource{Namespace: "root/virtualization/v2", Class: "Msvm_MigrationJob"},
		Selectors: wsman.SelectorSet{{Name: "InstanceID", Value: "4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B"}},
	})
	if fault, ok := errors.AsType[*wsman.Fault](err); ok {
		fmt.Println(fault.Subcode, fault.AccessDenied(), fault.NotFound())
	}
	// Output: wsman:AccessDenied true false
}

// Invoke returns what the method answered; a ReturnValue other than 0 is no error here.
func ExampleClient_Invoke() {
	client := simulated("administrator")
	resp, err := client.Invoke(context.Background(), &wsman.InvokeRequest{
		Resource:   wsman.Resource{Namespace: "root/virtualization/v2", Class: "Msvm_MigrationJob"},
		Selectors:  wsman.SelectorSet{{Name: "InstanceID", Value: "4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B"}},
		Method:     "GetErrorEx",
		Repeatable: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	texts, state := resp.Output.Array("Errors")
	returned, _, _ := resp.Output.Scalar("ReturnValue")
	fmt.Println(len(texts), state == wsman.Present, returned.Text)
	// Output: 3 true 0
}
