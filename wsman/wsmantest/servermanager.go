package wsmantest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// The class that reads event logs, its one method that is simulated, and what that yields (facts/event-log.md §5.1).
const (
	namespaceServerManager  = "root/Microsoft/Windows/ServerManager"
	classServerManagerTasks = "MSFT_ServerManagerTasks"
	classServerEventDetail  = "MSFT_ServerEventDetail"
	methodEventDetail       = "GetServerEventDetailEx"
	parameterOutput         = "cmdletOutput"
)

// An eventPage is what a call of the method asks for.
type eventPage struct {
	filter    string
	skip, top uint64
	reverse   bool
}

// serverManager answers a request for the namespace of Server Manager. Its one class has no instances, and its method is static.
func (s *Server) serverManager(c *call) (*etree.Document, error) {
	slash := strings.LastIndexByte(c.action, '/')
	method := c.action[slash+1:]
	switch {
	case s.host.model.EventService.Missing || !strings.EqualFold(c.class, classServerManagerTasks):
		return nil, newFault(FaultNotFound, "").fromWMI("ExecMethod", c.class)
	case slash < 0 || !strings.EqualFold(c.action[:slash], c.resourceURI):
		return nil, newFault(faultActionNotSupported, "The action is none that this resource supports.")
	case method != methodEventDetail:
		return nil, newFault(faultActionNotSupported, "The class has no method "+method+".")
	case len(c.selectors) > 0:
		return nil, newFault(faultUnexpectedSelectors, "The class has no keys.")
	case !c.user.Access.canInvoke():
		return nil, newFault(FaultAccessDenied, "")
	case c.body == nil || c.body.Tag != method+"_INPUT" || !strings.EqualFold(c.body.NamespaceURI(), c.resourceURI):
		return nil, newFault(faultSchemaValidation, "The body is not the input of "+method+".")
	}
	page, err := c.eventPage()
	if err != nil {
		return nil, err
	}
	return s.eventDetail(c, page)
}

// eventPage reads the parameters; all but FilterXml may be missing.
func (c *call) eventPage() (*eventPage, error) {
	page, seen := &eventPage{top: math.MaxUint64}, map[string]bool{}
	for p := range c.body.ChildElementsSeq() {
		if !strings.EqualFold(p.NamespaceURI(), c.resourceURI) || seen[p.Tag] {
			return nil, newFault(faultSchemaValidation, "The parameter "+p.Tag+" is not one of the method, or stands twice.")
		}
		seen[p.Tag] = true
		if isNil, _ := attr(p, namespaceOf("xsi"), "nil"); isTrue(isNil) {
			continue
		}
		var err error
		text := textOf(p)
		switch p.Tag {
		case "FilterXml":
			page.filter = text
		case "Skip":
			page.skip, err = strconv.ParseUint(text, 10, 64)
		case "Top":
			page.top, err = strconv.ParseUint(text, 10, 64)
		case "ReverseDirection":
			page.reverse, err = strconv.ParseBool(text)
		case "BatchSize": // of a stream; it changes nothing of what comes
			_, err = strconv.ParseUint(text, 10, 32)
		default:
			return nil, newFault(faultSchemaValidation, "The method has no parameter "+p.Tag+".")
		}
		if err != nil {
			return nil, newFault(faultSchemaValidation, "The parameter "+p.Tag+" is not of its type.")
		}
	}
	return page, nil
}

// eventDetail answers the method.
func (s *Server) eventDetail(c *call, page *eventPage) (*etree.Document, error) {
	if most := s.host.model.EventService.MaxItems; most > 0 {
		page.top = min(page.top, uint64(most))
	}
	list, code := parseQueryList(page.filter)
	if code != 0 {
		return nil, eventFault(code, "")
	}
	if c.user.Access == AccessEmpty { // nor is that user one of the Event Log Readers
		return nil, eventFault(errorAccessDenied, list[0].channel)
	}
	page.top = min(page.top, maxEventDetails)
	found, channel, code := s.host.selectRecords(list, page, c.now)
	if code != 0 {
		return nil, eventFault(code, channel)
	}
	return s.eventOutput(c, found), nil
}

// With more than maxEventDetails the largest answer is too large: an item takes minEventDetail octets for its tags alone.
const (
	minEventDetail  = 2 * len("p:cmdletOutput p:Description p:Id p:Level p:Log p:QueryFileId p:RecordId p:Source p:Timestamp")
	maxEventDetails = uint64(maxEnvelope/minEventDetail + 1)
)

// eventFault is what comes of a Win32 error, as an HRESULT. No answer of a host is on record; the layout is WMI's.
func eventFault(code uint32, channel string) error {
	name, reason := FaultInternalError, "The query of the event log failed"
	switch code {
	case errorAccessDenied:
		name, reason = FaultAccessDenied, "Access to the event log is denied"
	case errorChannelNotFound:
		reason = "The channel was not found"
	case errorInvalidQuery:
		reason = "The query of events is not valid"
	case errorQueryTooComplex:
		reason = "The query of events has too many expressions"
	}
	if channel != "" {
		reason += ": " + channel
	}
	f := newFault(name, fmt.Sprintf("%s (%d, 0x%08X).", reason, code, hresultWin32|code))
	f.number = hresultWin32 | code
	return f.fromWMI("ExecMethod", classServerManagerTasks)
}

// hresultWin32 makes an HRESULT of an error of Win32, which has 16 bits (MS-ERREF §2.1).
const hresultWin32 = 0x80070000

// eventOutput writes the answer of the method: the items as out parameters, or as a stream before them.
func (s *Server) eventOutput(c *call, found []*record) *etree.Document {
	d, service := c.w.dialect, &s.host.model.EventService
	doc, header, body := c.w.envelope("a", "w")
	c.w.address(header, c.action+"Response", c.messageID)
	e := etree.NewElement(c.w.name("p", strings.ReplaceAll(cmp.Or(d.OutputName, "*_OUTPUT"), "*", methodEventDetail)))
	uri := cmp.Or(d.OutputNamespace, c.resourceURI)
	c.w.declare(e, "xsi", namespaceOf("xsi"))
	c.w.declare(e, "p", uri)
	c.w.declare(e, "cim", namespaceOf("cim"))
	for _, r := range found {
		parent := e
		if service.Streaming {
			parent = c.w.streamed(body, uri, service.StreamElement)
		} else {
			parent = c.w.add(parent, "p", parameterOutput)
		}
		c.w.eventDetail(parent, r, service.Timestamp)
	}
	if service.StreamAlone && len(found) > 0 {
		return doc
	}
	c.w.addText(e, "p", "ReturnValue", "0")
	c.w.arrange(e)
	body.AddChild(e)
	return doc
}

// streamed adds the message of one streamed value and returns what holds its properties: Value, or an element within. No message is on
// record, and so the names are those of MS-WSMV alone (facts/event-log.md §5.1); without prefixes, no dialect is in their way.
func (w *writer) streamed(body *etree.Element, uri string, element bool) *etree.Element {
	event := body.CreateElement("InteractiveEvent")
	event.CreateAttr("xmlns", namespaceInteractive)
	w.declare(event, "p", uri)
	w.declare(event, "xsi", wsman.NamespaceXSI)
	value := event.CreateElement("Value")
	if element {
		return w.add(value, "p", classServerEventDetail)
	}
	return value
}

// namespaceInteractive is that of streamed values.
const namespaceInteractive = "http://schemas.microsoft.com/wbem/wsman/1/cim/interactive.xsd"

// eventDetail adds the properties of MSFT_ServerEventDetail.
func (w *writer) eventDetail(parent *etree.Element, r *record, form TimestampForm) {
	w.addText(parent, "p", "Description", r.text())
	w.addText(parent, "p", "Id", strconv.FormatUint(uint64(r.ID), 10))
	w.addText(parent, "p", "Level", strconv.Itoa(int(r.level)))
	w.addText(parent, "p", "Log", r.channel)
	w.add(parent, "p", "QueryFileId").CreateAttr(w.name("xsi", "nil"), "true")
	w.addText(parent, "p", "RecordId", strconv.FormatUint(r.id, 10))
	w.addText(parent, "p", "Source", r.provider)
	w.addText(parent, "p", "Timestamp", form.text(r.time))
	w.arrange(parent)
}

// text writes a time in units of 100 ns since the year 1601 or since the year 1, or as no host would.
func (f TimestampForm) text(t time.Time) string {
	const (
		perSecond   = 10_000_000
		since1601   = 11_644_473_600 // seconds from there to 1970
		since0001   = 62_135_596_800
		nanoseconds = 100
	)
	since := int64(since1601)
	switch f {
	case TimestampOdd:
		return strconv.FormatInt(t.Unix(), 10)
	case TimestampTicks:
		since = since0001
	case TimestampFILETIME:
	}
	return strconv.FormatInt((t.Unix()+since)*perSecond+int64(t.Nanosecond()/nanoseconds), 10)
}

func (e *EventService) validate() error {
	if e.MaxItems < 0 {
		return fmt.Errorf("eventService: maxItems %d is negative", e.MaxItems)
	}
	if !slices.Contains([]TimestampForm{"", TimestampFILETIME, TimestampTicks, TimestampOdd}, e.Timestamp) {
		return fmt.Errorf("eventService: timestamp %q is unknown", e.Timestamp)
	}
	if !e.Streaming && (e.StreamElement || e.StreamAlone) {
		return errors.New("eventService: streamElement and streamAlone need streaming")
	}
	return nil
}
