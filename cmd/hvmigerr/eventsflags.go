package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// eventsFlags are the flags of events.
type eventsFlags struct {
	connection connectionFlags
	since      lookBack
	via        routeName
	vm         string
	levels     []string
	channels   []string
	raw        bool
	noExplain  bool
}

func (f *eventsFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	f.since, f.via = lookBack{day, "24h"}, routeName(events.RouteServerManager)
	fs.Var(&f.since, "since", "how far back to look, a `TIME` such as 90m, 24h or 7d, by the clock of the host")
	fs.StringVar(&f.vm, "vm", "", "only migrations of the virtual machine of this `NAME` or GUID")
	fs.StringSliceVar(&f.levels, "level", nil,
		"read only events of this `LEVEL`: critical, error, warning, information, verbose, or 1 to 5; repeatable (default: all, since how a migration began is information)")
	fs.StringArrayVar(&f.channels, "channel", nil, "read only the log of this `NAME`; repeatable (default: all that tell of migrations)")
	fs.Var(&f.via, "via", "`ROUTE` to the log: servermanager, a method of WMI, or shell, wevtutil in a remote shell")
	fs.BoolVar(&f.raw, "raw", false, "print the XML of the events of each migration as received, and nothing else")
	registerNoExplain(cmd, &f.noExplain)
	fromEnvironment(fs.Lookup("since"))
	fromEnvironment(fs.Lookup("via"))
	complete(cmd, "via", string(events.RouteServerManager), string(events.RouteShell))
	complete(cmd, "level", levelNames()...)
	complete(cmd, "channel", events.DefaultChannels()...)
	complete(cmd, "since", "1h", "24h", "7d", "30d")
	f.connection.register(cmd)
	f.connection.registerHosts(cmd)
}

// query returns what is read of each host. Its errors are usage errors.
func (f *eventsFlags) query(cmd *cobra.Command) (*events.Query, error) {
	if cmd.Flags().Changed("vm") && f.vm == "" {
		return nil, &usageError{"--vm is empty"}
	}
	q := &events.Query{VM: f.vm, KeepRaw: f.raw}
	for _, name := range f.channels {
		name = wholeChannel(name)
		if err := events.CheckChannel(name); err != nil {
			return nil, &usageError{fmt.Sprintf("--channel %q: %v", name, err)}
		}
		if !slices.Contains(q.Channels, name) {
			q.Channels = append(q.Channels, name)
		}
	}
	for _, text := range f.levels {
		level, ok := parseLevel(text)
		if !ok {
			return nil, &usageError{fmt.Sprintf("--level %q is none of %s, 1 to 5", text, strings.Join(levelNames(), ", "))}
		}
		if !slices.Contains(q.Levels, level) {
			q.Levels = append(q.Levels, level)
		}
	}
	slices.Sort(q.Levels)
	return q, nil
}

// wholeChannel returns the name of a channel that may have been given as the text names it (see shortName).
func wholeChannel(name string) string {
	whole := vendorPrefix + name
	named := strings.HasPrefix(name, "Hyper-V-") || strings.HasPrefix(name, "FailoverClustering/")
	if named && events.CheckChannel(name) != nil && events.CheckChannel(whole) == nil {
		return whole
	}
	return name
}

// levelNames are the levels of events from 1 on (facts/event-log.md §1.2).
func levelNames() []string { return []string{"critical", "error", "warning", "information", "verbose"} }

// parseLevel reads a level, as a name or a number.
func parseLevel(text string) (uint8, bool) {
	for i, name := range levelNames() {
		if strings.EqualFold(text, name) || text == strconv.Itoa(i+1) {
			return uint8(i + 1), true
		}
	}
	return 0, false
}

// levelName returns the name of a level, "" if it has none.
func levelName(level *uint8) string {
	if names := levelNames(); level != nil && *level > 0 && int(*level) <= len(names) {
		return names[*level-1]
	}
	return ""
}

// A lookBack is the value of --since: a duration that may begin with days.
type lookBack struct {
	d    time.Duration
	text string // as it was given
}

const (
	day = 24 * time.Hour
	// maxLookBack bounds --since. Logs do not reach as far.
	maxLookBack = 3650 * day
)

var errLookBack = errors.New("it is none")

// Set implements pflag.Value.
func (l *lookBack) Set(text string) error {
	var d time.Duration
	rest := text
	if days, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n > uint64(maxLookBack/day) {
			return errLookBack
		}
		d, rest = time.Duration(n)*day, after
	}
	if rest != "" || text == "" {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 || more > maxLookBack {
			return errLookBack
		}
		d += more
	}
	if d <= 0 || d > maxLookBack {
		return errLookBack
	}
	*l = lookBack{d, text}
	return nil
}

// Type implements pflag.Value.
func (*lookBack) Type() string { return "time" }

func (l *lookBack) String() string { return l.text }

// A routeName is the value of --via.
type routeName events.Route

// Set implements pflag.Value.
func (r *routeName) Set(text string) error {
	if !slices.Contains([]events.Route{events.RouteServerManager, events.RouteShell}, events.Route(text)) {
		return errors.New("there is no such route")
	}
	*r = routeName(text)
	return nil
}

// Type implements pflag.Value.
func (*routeName) Type() string { return "route" }

func (r *routeName) String() string { return string(*r) }
