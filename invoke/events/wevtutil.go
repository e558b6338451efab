package events

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
)

// A Runner runs a command line on a host and returns the exit code of the program. What it wrote goes to stdout and stderr while it
// arrives; a Write that fails ends the command, and so does the end of ctx. Run returns when nothing of it is left. An error means that
// the exit code is not known.
type Runner interface {
	Run(ctx context.Context, command string, stdout, stderr io.Writer) (exitCode int, err error)
}

// Wevtutil is the route of wevtutil in a remote shell (facts/event-log.md §3).
type Wevtutil struct{ r Runner }

// NewWevtutil returns the route over r.
func NewWevtutil(r Runner) *Wevtutil { return &Wevtutil{r} }

// Route returns [RouteShell].
func (w *Wevtutil) Route() Route { return RouteShell }

// Events reads a channel. An answer that ends within an event is asked for once more, and one whose texts the host cannot make is asked
// for without them. An error of the [Runner] comes as it is; text that is no event is a [*ChannelError] that wraps a [*DecodeError], after
// all of the events, and what a command that ended well wrote to stderr is a [*StderrError].
func (w *Wevtutil) Events(ctx context.Context, sel *Selection) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		a := newAnswer(sel, yield)
		format := formatRendered
		for again := true; ; again = false {
			command, err := queryCommand(sel, format)
			if err != nil {
				yield(nil, err)
				return
			}
			err = a.read(ctx, w.r, command)
			switch {
			case errors.Is(err, errStopped):
				return
			case again && errors.Is(err, ErrTruncated):
			case again && withoutText(err):
				format = formatXML
			case a.remark != nil && !yield(nil, a.remark):
				return
			default:
				if err != nil {
					yield(nil, err)
				}
				return
			}
		}
	}
}

// Oldest asks for one event. What wevtutil writes to stderr is an error only if it wrote no event.
func (w *Wevtutil) Oldest(ctx context.Context, channel string) (*Event, error) {
	sel := &Selection{Channel: channel}
	command, err := oldestCommand(sel)
	if err != nil {
		return nil, err
	}
	var oldest *Event
	var failed error
	a := newAnswer(sel, func(e *Event, err error) bool {
		oldest, failed = e, err
		return false
	})
	switch err := a.read(ctx, w.r, command); {
	case errors.Is(err, errStopped):
		return oldest, failed
	case err != nil:
		return nil, err
	case a.remark != nil:
		return nil, a.remark
	}
	return nil, nil //nolint:nilnil // that is what an empty channel answers
}

// The formats of wevtutil's /f.
const (
	formatXML      = "XML"
	formatRendered = "RenderedXml" // with the texts
)

// maxCommand is how long a command line can be in cmd.exe, in characters.
const maxCommand = 8191

// queryCommand returns the command line that prints what sel selects, the newest first. One event more than is wanted tells that there
// are more.
func queryCommand(sel *Selection, format string) (string, error) {
	if err := sel.check(); err != nil {
		return "", err
	}
	return checkCommand("wevtutil qe " + quote(sel.Channel) + " " + quote("/q:"+xpath(sel)) +
		" /f:" + format + " /rd:true /c:" + strconv.Itoa(sel.maximum()+1) + " /uni:true")
}

// oldestCommand returns the command line that prints the oldest event of a channel.
func oldestCommand(sel *Selection) (string, error) {
	if err := sel.check(); err != nil {
		return "", err
	}
	return checkCommand("wevtutil qe " + quote(sel.Channel) + " /c:1 /f:" + formatXML + " /uni:true")
}

func quote(s string) string { return `"` + s + `"` }

// checkCommand refuses a command line that cmd.exe or the message that carries it would take for another: with a variable, a quote too
// many, the end of a CDATA section, or a character that is not printable ASCII. What it is built of is checked before; this holds
// whatever that lets through.
func checkCommand(command string) (string, error) {
	quotes := 0
	for _, c := range command {
		if c < ' ' || c > '~' || c == '%' {
			return "", fmt.Errorf("a command line cannot hold %q", c)
		}
		if c == '"' {
			quotes++
		}
		if quotes%2 == 0 && strings.ContainsRune("&|<>^", c) {
			return "", fmt.Errorf("a command line cannot hold %q without quotes", c)
		}
	}
	switch {
	case quotes%2 != 0:
		return "", errors.New("a command line cannot hold half a pair of quotes")
	case strings.Contains(command, "]]>"):
		return "", errors.New("a command line cannot hold ]]>")
	case len(command) > maxCommand:
		return "", fmt.Errorf("a command line cannot be longer than %d characters", maxCommand)
	}
	return command, nil
}
