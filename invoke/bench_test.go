package invoke_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// pages is a Transport that answers Enumerate and Pull with that many jobs, a page at a time, made when asked for.
// Its answers have the shape of facts/wire-format.md §6 and §7.
type pages struct {
	jobs, perPage int
	sent          int
	requests      []string
}

func (p *pages) RoundTrip(_ context.Context, req *wsman.Request) (*wsman.Reply, error) {
	operation, items := "Pull", "n"
	switch {
	case bytes.Contains(req.Body, []byte(wsman.ActionEnumerate)):
		operation, items = "Enumerate", "w"
	case !bytes.Contains(req.Body, []byte(wsman.ActionPull)):
		return nil, fmt.Errorf("unexpected request %s", req.Body)
	}
	p.requests = append(p.requests, operation)
	var b bytes.Buffer
	b.WriteString(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
		` xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header/><s:Body>`)
	fmt.Fprintf(&b, `<n:%sResponse>`, operation)
	end := min(p.sent+p.perPage, p.jobs)
	if end < p.jobs {
		fmt.Fprintf(&b, `<n:EnumerationContext>uuid:%d</n:EnumerationContext>`, end)
	}
	fmt.Fprintf(&b, `<%s:Items>`, items)
	for ; p.sent < end; p.sent++ {
		b.WriteString(strings.ReplaceAll(jobXML, "@", fmt.Sprintf("%012d", p.sent)))
	}
	fmt.Fprintf(&b, `</%s:Items>`, items)
	if end == p.jobs {
		fmt.Fprintf(&b, `<%s:EndOfSequence/>`, items)
	}
	fmt.Fprintf(&b, `</n:%sResponse></s:Body></s:Envelope>`, operation)
	header := http.Header{"Content-Type": {"application/soap+xml;charset=UTF-8"}}
	return &wsman.Reply{Body: b.Bytes(), StatusCode: http.StatusOK, Header: header}, nil
}

func (p *pages) client(tb testing.TB) *wsman.Client {
	tb.Helper()
	c, err := wsman.NewClient(wsman.Config{Endpoint: "https://hv01:5986/wsman", Transport: p})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// jobXML is one job, @ standing for what tells it from the others. All values are invented.
const jobXML = `<p:Msvm_MigrationJob xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/Msvm_MigrationJob" xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common" xsi:type="p:Msvm_MigrationJob_Type">` +
	`<p:Cancellable>true</p:Cancellable><p:Caption>Move</p:Caption><p:CommunicationStatus xsi:nil="true"/><p:DeleteOnCompletion>false</p:DeleteOnCompletion>` +
	`<p:Description>Moving a machine</p:Description><p:DestinationHost>HV02</p:DestinationHost><p:DetailedStatus xsi:nil="true"/>` +
	`<p:ElapsedTime><cim:Interval>P0DT0H0M59.75S</cim:Interval></p:ElapsedTime><p:ElementName>Move</p:ElementName><p:ErrorCode>32768</p:ErrorCode>` +
	`<p:ErrorDescription>It did not work.</p:ErrorDescription><p:ErrorSummaryDescription></p:ErrorSummaryDescription><p:HealthState>5</p:HealthState>` +
	`<p:InstallDate><cim:Datetime>1601-01-01T00:00:00Z</cim:Datetime></p:InstallDate><p:InstanceID>0F0E0D0C-0003-4000-8000-@</p:InstanceID>` +
	`<p:JobRunTimes>1</p:JobRunTimes><p:JobState>10</p:JobState><p:JobStatus>The job has ended</p:JobStatus><p:JobType>305</p:JobType>` +
	`<p:LocalOrUtcTime>2</p:LocalOrUtcTime><p:MigrationType>32768</p:MigrationType><p:Name>Move</p:Name><p:NewResourceSettingData xsi:nil="true"/>` +
	`<p:NewSystemSettingData xsi:nil="true"/><p:Notify></p:Notify><p:OperatingStatus xsi:nil="true"/><p:OperationalStatus>6</p:OperationalStatus>` +
	`<p:OperationalStatus>17</p:OperationalStatus><p:OtherRecoveryAction></p:OtherRecoveryAction><p:Owner>LAB\ada</p:Owner><p:PercentComplete>37</p:PercentComplete>` +
	`<p:PrimaryStatus xsi:nil="true"/><p:Priority>0</p:Priority><p:RecoveryAction>2</p:RecoveryAction><p:RunDay xsi:nil="true"/><p:RunDayOfWeek xsi:nil="true"/>` +
	`<p:RunMonth xsi:nil="true"/><p:RunStartInterval xsi:nil="true"/><p:ScheduledStartTime><cim:Datetime>2026-05-04T10:00:00Z</cim:Datetime></p:ScheduledStartTime>` +
	`<p:StartTime><cim:Datetime>2026-05-04T10:00:00Z</cim:Datetime></p:StartTime><p:Status>Error</p:Status><p:StatusDescriptions>Failed</p:StatusDescriptions>` +
	`<p:TimeBeforeRemoval><cim:Interval>P0DT0H5M0S</cim:Interval></p:TimeBeforeRemoval><p:TimeOfLastStateChange><cim:Datetime>2026-05-04T10:01:00Z</cim:Datetime></p:TimeOfLastStateChange>` +
	`<p:TimeSubmitted><cim:Datetime>2026-05-04T10:00:00Z</cim:Datetime></p:TimeSubmitted><p:UntilTime xsi:nil="true"/><p:VirtualSystemName>6A1D2C3B-0001-4000-8000-@</p:VirtualSystemName></p:Msvm_MigrationJob>`

func BenchmarkJobs1000(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		p := &pages{jobs: 1000, perPage: wsman.DefaultMaxElements}
		n := 0
		for _, err := range invoke.Jobs(b.Context(), p.client(b), &invoke.Filter{Failed: true}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 1000 {
			b.Fatalf("%d jobs", n)
		}
	}
}

func BenchmarkDecodeMigrationJob(b *testing.B) {
	in := fullJob()
	b.ReportAllocs()
	for b.Loop() {
		if j := invoke.DecodeMigrationJob(in); j.ID() != jobID {
			b.Fatal(j.ID())
		}
	}
}

// TestJobsMemory holds Jobs to the memory of a page: what is alive in the middle of 2,000 jobs is no more than in the
// middle of 200, two pages each way.
func TestJobsMemory(t *testing.T) {
	live := func(jobs int) uint64 {
		p := &pages{jobs: jobs, perPage: 50}
		n, peak := 0, uint64(0)
		for j, err := range invoke.Jobs(t.Context(), p.client(t), nil) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n%50 == 25 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
			if !strings.HasSuffix(j.ID(), strconv.Itoa(n-1)) {
				t.Fatalf("job %d is %s", n, j.ID())
			}
		}
		if n != jobs || len(p.requests) != jobs/50 {
			t.Fatalf("%d jobs in %d requests", n, len(p.requests))
		}
		return peak
	}
	live(50) // what is allocated once
	few, many := live(200), live(2000)
	t.Logf("alive: %d kB with 200 jobs, %d kB with 2,000", few>>10, many>>10)
	if many > few+few/4 {
		t.Errorf("%d kB are alive with 2,000 jobs and %d kB with 200: not the memory of a page", many>>10, few>>10)
	}
}
