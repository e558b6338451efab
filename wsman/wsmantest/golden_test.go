package wsmantest_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden.xml")

// TestGolden holds whole answers to the octet, with random GUIDs masked: their shape is what the package promises.
func TestGolden(t *testing.T) {
	t.Parallel()
	wmi := envelope{action: wsman.ActionGet, resource: uriJob, selectors: map[string]string{"InstanceID": "gone"}}
	all := envelope{
		action: wsman.ActionEnumerate, resource: uriJob,
		body: `<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>1</w:MaxElements>` +
			`<w:EnumerationMode>EnumerateObjectAndEPR</w:EnumerationMode></n:Enumerate>`,
	}
	errorsOf := callGetError()
	errorsOf.replace = []string{"GetError", "GetErrorEx"}
	fragments := envelope{
		action: wsman.ActionEnumerate, resource: uriAll,
		body: `<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>9</w:MaxElements><w:Filter Dialect="` + wsman.DialectWQL +
			`">select InstanceID, StartTime, UntilTime, OperationalStatus from Msvm_MigrationJob</w:Filter></n:Enumerate>`,
	}
	identify := text(`<s:Envelope xmlns:s="` + wsman.NamespaceSOAP + `"><s:Body><Identify xmlns="` + wsman.NamespaceIdentity + `"/></s:Body></s:Envelope>`)
	strange := wsmantest.Dialect{
		Prefixes: map[string]string{"s": "env", "a": "wsa", "n": "wsen", "w": "wsman", "p": "n1", "xsi": "i"}, DMTFClasses: true,
		ReverseProperties: true, BareDatetime: true, ItemsNamespace: "n", ContextAtEnd: true, OmitRelatesTo: true,
	}
	config := envelope{action: wsman.ActionGet, resource: wsman.ResourceServiceConfig}
	format := callFormatError(`<r:Errors>&lt;INSTANCE CLASSNAME="Msvm_Error">&lt;PROPERTY NAME="Message" TYPE="string">` +
		`&lt;VALUE>One&lt;/VALUE>&lt;/PROPERTY>&lt;/INSTANCE></r:Errors><r:Errors>&lt;INSTANCE/></r:Errors>`)
	events := eventModel()
	events.EventService.Streaming = true
	errorEvents := callEvents(filterOf(channelVMMS, "*[System[EventID=21024 or EventID=1106]]"))
	for name, tt := range map[string]struct {
		request interface{ String() string }
		rule    wsmantest.Rule
		dialect wsmantest.Dialect
		model   *wsmantest.Model // nil: testModel
	}{
		"identify":         {request: identify},
		"get":              {request: getJob()},
		"enumerate":        {request: all},
		"fragments":        {request: fragments},
		"geterrorex":       {request: errorsOf},
		"serviceconfig":    {request: config},
		"formaterror":      {request: format},
		"events":           {request: errorEvents, model: eventModel()},
		"events-stream":    {request: errorEvents, model: events},
		"fault-channel":    {request: callEvents(filterOf("Absent", "*"))},
		"strange":          {request: all, dialect: strange},
		"fault-plain":      {request: getJob(), rule: wsmantest.Rule{Fault: wsmantest.FaultTimedOut}},
		"fault-provider":   {request: getJob(), rule: wsmantest.Rule{Fault: wsmantest.FaultInvalidParameter, Layout: wsmantest.LayoutProvider}},
		"fault-nested":     {request: wmi},
		"fault-wmierror":   {request: getJob(), rule: wsmantest.Rule{Fault: wsmantest.FaultQuotaMaxOperations, Layout: wsmantest.LayoutWMIError}},
		"fault-bare":       {request: getJob(), rule: wsmantest.Rule{Fault: wsmantest.FaultAccessDenied, Layout: wsmantest.LayoutBare}},
		"fault-no-subcode": {request: text(`<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, wsmantest.Config{Model: tt.model, Rules: []wsmantest.Rule{tt.rule}, Dialect: &tt.dialect})
			reply, _ := ask(t, s, "administrator", tt.request)
			random := regexp.MustCompile(`uuid:[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}`)
			got := string(random.ReplaceAll(reply.Body, []byte("uuid:RANDOM"))) + "\n"
			file := filepath.Join("testdata", name+".golden.xml")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
