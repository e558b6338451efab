package events

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// The method that reads events (facts/event-log.md §5.1).
const (
	serverManagerNamespace = "root/Microsoft/Windows/ServerManager"
	serverManagerClass     = "MSFT_ServerManagerTasks"
	methodEventDetail      = "GetServerEventDetailEx"
)

// ErrNoServerManager says that the host does not have MSFT_ServerManagerTasks, its namespace or the method: it is older than Windows
// Server 2016, or a Windows for desktops. The [*wsman.Fault] that says so is wrapped beside it.
var ErrNoServerManager = errors.New("the host cannot give events by MSFT_ServerManagerTasks")

// ServerManager is the route of MSFT_ServerManagerTasks (facts/event-log.md §5.1), for Windows Server 2016 and later. It is for one
// goroutine at a time.
//
// The host gives number, level, time and the text of an event in its own language, and no fields. Its errors are those of the Invoker,
// wrapped; a [*ChannelError] when they are about the channel; and [ErrNoServerManager].
type ServerManager struct {
	c     invoke.Invoker
	clock time.Duration
	dated bool // clock is known
}

// NewServerManager returns the route over c.
func NewServerManager(c invoke.Invoker) *ServerManager { return &ServerManager{c: c} }

// Route returns [RouteServerManager].
func (s *ServerManager) Route() Route { return RouteServerManager }

// Clock returns how far the clock of the host was ahead of ours in its last answer; 0 if no answer told.
func (s *ServerManager) Clock() time.Duration { return s.clock }

// ClockKnown reports whether an answer told of the clock.
func (s *ServerManager) ClockKnown() bool { return s.dated }

// Events reads a channel in pages: the host is asked for 200 events at a time, and for fewer where they are too large for one answer.
func (s *ServerManager) Events(ctx context.Context, sel *Selection) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		query, err := sel.query()
		if err != nil {
			yield(nil, err)
			return
		}
		if err := newPager(s, sel, query, yield).run(ctx); err != nil {
			yield(nil, err)
		}
	}
}

// Oldest asks for the oldest event.
func (s *ServerManager) Oldest(ctx context.Context, channel string) (*Event, error) {
	sel := &Selection{Channel: channel}
	query, err := sel.query()
	if err != nil {
		return nil, err
	}
	page, err := s.ask(ctx, sel, &pageRequest{query: query, top: 1})
	if err == nil {
		err = page.err
	}
	if err == nil && len(page.events) == 0 && page.strays > 0 {
		err = page.notEvent
	}
	if err != nil {
		if tooLarge(err) {
			err = fmt.Errorf("%w: %w", ErrTooLarge, err)
		}
		return nil, err
	}
	var oldest *Event
	for _, e := range page.events { // of a host that gives more than it was asked for, the first number
		if oldest == nil || e.RecordID != nil && oldest.RecordID != nil && *e.RecordID < *oldest.RecordID {
			oldest = e
		}
	}
	return oldest, nil
}

// A pageRequest is what one call asks for.
type pageRequest struct {
	query       string // a QueryList
	skip, top   int
	newestFirst bool
}

// A page is what one call brought.
type page struct {
	events []*Event
	// strays counts what stood in place of events, and notEvent says what the first of it was.
	strays   int
	notEvent error
	// err is what the host said beside the events.
	err error
}

// ask calls the method. It only reads, so that it may be sent twice.
func (s *ServerManager) ask(ctx context.Context, sel *Selection, req *pageRequest) (*page, error) {
	resp, err := s.c.Invoke(ctx, &wsman.InvokeRequest{
		Resource: wsman.Resource{Namespace: serverManagerNamespace, Class: serverManagerClass},
		Method:   methodEventDetail,
		Input: []wsman.Parameter{
			{Name: "FilterXml", Value: req.query},
			{Name: "Skip", Value: req.skip},
			{Name: "Top", Value: req.top},
			{Name: "ReverseDirection", Value: req.newestFirst},
		},
		Repeatable: true,
	})
	if err != nil {
		return nil, channelError(sel.Channel, err)
	}
	if date := resp.Output.Date; !date.IsZero() {
		s.clock, s.dated = time.Until(date).Round(time.Second), true // Date has no parts of a second
	}
	return readPage(sel, resp), nil
}
