// Command hvmigerr tells why a Hyper-V migration failed, from machines that are not Windows.
//
// It asks a host over WS-Management for its migration jobs and prints every error of those that failed.
// "hvmigerr -h" lists the commands; README.md tells the rest.
package main

import (
	"context"
	"io"
	"log"
	"os"
)

func main() {
	log.SetOutput(io.Discard) //nolint:forbidigo // net/http logs what a peer sends unasked, and stderr is ours
	ctx, stop := watchSignals(context.Background())
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
