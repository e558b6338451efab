package explain_test

import (
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// TestLanguage tells of messages that are not in English that only their codes and numbers count, and of no others.
func TestLanguage(t *testing.T) {
	for _, tt := range []struct {
		text    string
		foreign bool
	}{
		{"De host hv-b is niet bereikbaar voor de migratie.", true},
		{"Verbinding met host hv-b was verbroken door een error.", true},
		{"Der er ingen forbindelse for at flytte den til host hv-b.", true},
		{"Verten kunne ikke ta imot maskinen for flytting til host hv-b.", true},
		{"Maszyna nie jest gotowa do przeniesienia by host hv-b.", true},
		{"Servern kunde inte flytta den till host hv-b.", true},
		{"Errore di rete durante lo spostamento su host hv-b.", true},
		{"La machine n'a pas pu rejoindre son nouvel emplacement.", true},
		{"Die Maschine was auch immer bleibt auf ihrem Host.", true},
		{"仮想マシン「web-01」の移行に失敗しました。", true},
		{"移行に失敗しました。ネットワークを確認してください。", true},
		{"虚拟机迁移失败，请检查网络。", true},
		{"仮想マシン「web01」の移行に失敗しました。接続できませんでした。（0x8007274D）", true},
		{"가상 컴퓨터를 이동하지 못했습니다.", true},
		{"The machine 「ウェブ」 cannot be moved.", false},
		{"Live migration of web-01 completed successfully.", false},
		{"Operation timed out waiting for HV02", false},
		{"Error on host hv-b: moving web-01 took long.", false},
		{"Moving web-01 to host hv-b was interrupted again today.", false},
		{"Unable to contact host hv-b over port 6600 today.", false},
		{"Access is denied.", false},
		{"It is busy.", false},
	} {
		if got := len(explain.Text(tt.text).Notes) > 0; got != tt.foreign {
			t.Errorf("Text(%q): a note on the language: %t, want %t", tt.text, got, tt.foreign)
		}
	}
}
