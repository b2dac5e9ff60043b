package language

import "testing"

func TestLanguagesAreToldByTheirWordsAndScripts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"The harbor office keeps a ledger of every boat that comes in, with the day and the hour.":      "eng",
		"Das Hafenamt führt ein Buch über jedes Boot, das mit der Flut in den Hafen kommt.":             "deu",
		"La capitainerie du port tient un registre de tous les bateaux qui entrent dans la rade.":       "fra",
		"La oficina del puerto lleva un registro de los barcos que entran por la mañana y en la tarde.": "spa",
		"Urząd portowy nie jest w mieście, ale na wyspie, i do niego się płynie z portu.":               "pol",
		"Управление порта ведёт книгу, в которой записаны все суда, и это не всё, что там есть.":        "rus",
		"Управління порту веде книгу, у якій є всі судна, що та коли прибуло, і це не все.":             "ukr",
		"港の事務所は、入ってくるすべての船の帳簿をつけている。":                                                                   "jpn",
		"港口办公室记录每一艘进港的船只。":                                                                              "zho",
		"항구 사무소는 들어오는 모든 배를 기록한다.":                                                                      "kor",
		"Το γραφείο του λιμανιού":                                                                       "ell",
		"משרד הנמל מנהל יומן":                                                                           "heb",
		"xyzzy plugh qwerty asdf zxcvb":                                                                 "",
		"":                                                                                              "",
	} {
		if got, stop := Detect(text); got != want || stop < 0 || stop > 1 {
			t.Errorf("%q is %q (%v), want %q", text, got, stop, want)
		}
	}
}
