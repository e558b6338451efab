package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// The causes of a context that a signal ended.
var (
	errInterrupted = errors.New("interrupted")
	errTerminated  = errors.New("terminated")
)

// watchSignals returns a context that the first SIGINT or SIGTERM ends. A second one kills the process.
// A closed stdout becomes an error of Write in place of SIGPIPE, so that what must be cleaned up is.
func watchSignals(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE) // not Ignore: children would inherit that
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(signalCause(s))
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

func signalCause(s os.Signal) error {
	if s == syscall.SIGTERM {
		return errTerminated
	}
	return errInterrupted
}

// stopped replaces err by what ended ctx, if that was a signal or --deadline: what a call that was cut says matters to nobody then. A
// record that has gaps does.
func stopped(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() == nil || has[*recordError](err):
	case errors.Is(ctx.Err(), context.Canceled), has[*deadlineError](context.Cause(ctx)):
		return context.Cause(ctx)
	}
	return err
}
