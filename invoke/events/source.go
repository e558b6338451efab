package events

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// A Source reads the channels of one host. It is for one goroutine at a time.
type Source interface {
	Route() Route
	// Events returns what a channel holds, the newest first, as it arrives: no more is held in memory than a page. An error ends it;
	// what came before is good.
	//
	// A channel that cannot be read is a [*ChannelError]; [ErrTruncated], [ErrTooLarge] and a [*DecodeError] are what cost single
	// events, and a [*StderrError] costs none. Whatever ends the host as a whole, such as ctx or a refused password, is none of these.
	Events(ctx context.Context, sel *Selection) iter.Seq2[*Event, error]
	// Oldest returns the oldest event of a channel; nil if the channel is empty.
	Oldest(ctx context.Context, channel string) (*Event, error)
}

// A Selection says which events of a channel are read.
type Selection struct {
	// Channel is the exact name, such as Microsoft-Windows-Hyper-V-VMMS-Admin. See [CheckChannel].
	Channel string
	// Since is how old an event may be, by the clock of the host. If zero, any age.
	Since time.Duration
	// Levels are the levels to read; nil means all.
	Levels []uint8
	// Provider, if not "", is the only one whose events are read. It holds no quotes.
	Provider string
	// Max bounds how many events are read. If zero, 100,000.
	Max int
	// KeepRaw keeps the XML of each event in Event.Raw.
	KeepRaw bool
}

// Errors that cost events. See [Log.Partial].
const (
	// ErrTruncated: the answer ended within an event, also when it was asked for once more.
	ErrTruncated = constError("the host's answer ends within an event")
	// ErrTooLarge: an event that the host cannot or must not send as a whole was left out.
	ErrTooLarge = constError("an event is too large for one answer")
	// ErrCleared: the log was cleared, or wrapped, while it was read.
	ErrCleared = constError("the log was cleared or overwritten while it was read")
	// ErrLimit: there are more events than were asked for.
	ErrLimit = constError("there are more events than are read at once")
)

type constError string

func (e constError) Error() string { return string(e) }

// A ChannelError says why a channel could not be read.
type ChannelError struct {
	Channel string
	// Code is the Win32 error that the host gave, such as 5 or 15007; 0 if it gave none.
	Code uint32
	// Text is what the host wrote, in its language; "" if nothing.
	Text string
	// Err is what the host answered by the way of the route; nil if Code and Text say it all.
	Err error
}

func (e *ChannelError) Error() string {
	return fmt.Sprintf("channel %s: %s", e.Channel, e.reason())
}

func (e *ChannelError) Unwrap() error { return e.Err }
