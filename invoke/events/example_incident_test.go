package events_test

import (
	"context"
	"fmt"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// Both ends of a migration are read; the source knows that it failed, and the destination why.
func ExampleMerge() {
	ctx := context.Background()
	// In a program: events.NewServerManager(client).
	source := &fakeHost{story: []said{began(0, "web-01", "hv02"), failed(9, "web-01", web, "HV01")}}
	destination := &fakeHost{story: []said{{
		at: 8, channel: worker, id: 3999, level: 2, text: "'web-01' got no memory (0x8007000E). (Machine " + web + ")",
	}}}
	first, err := events.Read(ctx, source, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := events.Read(ctx, destination, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	first.Host, second.Host = "hv01", "hv02"
	for _, in := range events.Merge(first, second).Incidents {
		fmt.Println(in.VM, in.Outcome, "from", in.Source, "to", in.Destination)
		for _, i := range in.Causes {
			fmt.Println(in.Events[i].Host+":", in.Events[i].Message())
		}
		fmt.Println(in.Explain().Findings[0].Symbol)
	}
	// Output:
	// web-01 failed from hv01 to hv02
	// hv02: 'web-01' got no memory (0x8007000E). (Machine 7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11)
	// E_OUTOFMEMORY
}
