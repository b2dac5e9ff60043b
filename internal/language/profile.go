package language

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Profile is what is known of a language.
type Profile struct {
	Code     string              // ISO 639-3
	Words    map[string]bool     // its most frequent words, in lower case
	Letters  string              // its letters beyond a to z, in lower case; "" for scripts of their own
	Charsets []string            // WHATWG names, the most common first
	Script   *unicode.RangeTable // of its words; nil for Latin
}

// Profiles returns the profiles of the languages that are told by their words. They must
// not be changed.
var Profiles = sync.OnceValue(func() []Profile {
	all := make([]Profile, 0, strings.Count(table, "\n"))
	for line := range strings.Lines(strings.TrimSpace(table)) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		p := Profile{Code: parts[0], Letters: parts[1], Charsets: strings.Fields(parts[2]),
			Words: make(map[string]bool)}
		for word := range strings.FieldsSeq(parts[3]) {
			p.Words[word] = true
			p.Script = scriptOf(word)
		}
		all = append(all, p)
	}
	return all
})

// scriptOf returns the script of a word, or nil for Latin.
func scriptOf(word string) *unicode.RangeTable {
	first, _ := utf8.DecodeRuneInString(word)
	for _, script := range []*unicode.RangeTable{
		unicode.Cyrillic, unicode.Greek, unicode.Hebrew, unicode.Arabic, unicode.Thai,
	} {
		if unicode.Is(script, first) {
			return script
		}
	}
	return nil
}

// table has a line for each language: code, letters, charsets, words.
const table = `
eng||windows-1252|the of and to in is that for it as was with be by on not he this are or his from at which but have an had they you were their one all we can her has there been if more when will would who so no
deu|äöüß|windows-1252|der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man kann wenn
fra|éèàçêùâîôûëïœ|windows-1252|de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont ou avec son cette aux être comme mais nous sa fait été aussi leur bien peut ces deux elle si vous si entre sans
spa|áéíóúñü¿¡|windows-1252|de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está
ita|àèéìòù|windows-1252|di e il la che in a un per è una del non si con i da le dei nel al gli della delle sono come anche alla lo più ha o ma dal se su questo ai nella essere due stato loro dalla o può
por|áâãàçéêíóôõú|windows-1252|de a o que e do da em um para com não uma os no se na por mais as dos como mas ao ele das à seu sua ou quando muito nos já eu também só pelo pela até isso ela entre depois sem mesmo aos são está pode
nld|éëï|windows-1252|de van een het en in is dat op te zijn met voor niet aan er om ook als dan maar bij of uit nog worden door naar heeft hij ze wordt tot je over wat zo hebben kan deze die
swe|åäö|windows-1252|och i att det som en på är av för med den till inte om ett han men var jag sig från vi så kan när har de hon eller under efter vid nu över även detta där alla ut denna
dan|æøå|windows-1252|og i at det er en til af på for med den der ikke som de et har om han fra men var sig vi kan være efter eller så blev når ud også over mod nu hvor dette
nob|æøå|windows-1252|og i det på som er en til å han av for med at var de ikke den har jeg om et men så seg hun hadde fra vi kan da være ble skal ut også når eller etter noe ved
fin|äö|windows-1252|ja on ei se että oli hän ovat mutta kun tai niin myös joka sen ole mukaan voi jos kuin sitä vain hänen olla tämä nyt sekä vuonna ne mitä joten koska jotka
cat|àçèéíïòóúü|windows-1252|de la i el que a en els les per un una amb és del al no es com més va ser dels seu seva són també aquest aquesta fins o però
pol|ąćęłńóśźż|iso-8859-2 windows-1250|i w na z do nie się jest to o że za od po przez jak dla a co ale są tym lub oraz był które tego może który jego tylko już czy być jako tak ich ze można jeśli także zostanie przed
ces|áčďéěíňóřšťúůýž|iso-8859-2 windows-1250|a v na se je z že do s o to k i pro ve jako jsou by po za od ale nebo jeho podle které při která který může být byl pokud tak jen což až není lze bude této
slk|áäčďéíĺľňóôŕšťúýž|windows-1250 iso-8859-2|a v na sa je z že do s o to k i pre vo ako sú by po za od ale alebo jeho podľa ktoré pri ktorá ktorý môže byť bol ak tak len čo až nie
hun|áéíóöőúüű|iso-8859-2 windows-1250|a az és hogy nem is egy ez volt csak de már meg mint ha vagy el még azt kell lesz ki be lehet után amely minden van ezt akkor olyan ennek pedig között alatt ami
ron|ăâîșțşţ|iso-8859-2 windows-1250|de și în a la cu pe o din nu care un este mai se pentru că au fi sau prin ca fost sunt o dar după lui ce al ale
hrv|čćđšž|windows-1250 iso-8859-2|i u je na se da su za od s o koji a kao iz to ne ili po nije što bi će koja može biti sa samo ali kako prema
slv|čšž|windows-1250 iso-8859-2|in je v na se za da so z s ki pa o kot po od tudi ne bi ali pri to ni iz lahko do če biti
tur|çğıöşü|iso-8859-9 windows-1254|ve bir bu için ile de da olarak daha çok ne en gibi kadar olan sonra ya her o değil ise var veya olduğu tarafından iki ancak şey göre bütün üzerinde eğer
vie|àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ|windows-1258|và của là có trong được cho các với một không những người để đã này khi từ về năm như đến ra cũng tại theo
ind||windows-1252|yang dan di dengan untuk dari pada dalam tidak ini itu adalah atau akan oleh juga ke karena dapat sebagai telah ada mereka bisa lebih saya
lit|ąčęėįšųūž|windows-1257|ir yra kad iš su į buvo tai kaip bet apie už ar jo nuo ne tik o po dėl prie jų arba taip
lav|āčēģīķļņšūž|windows-1257|un ir uz ar no par kas ka tas bija kā lai arī pie bet vai to pēc tika gada nav ko var
est|äöõüšž|windows-1257|ja on ei et oli see kui ka oma mis aga siis või kes ta ning välja seda nii mida üle veel kuid
rus||windows-1251 koi8-r iso-8859-5|и в не на с что по как к из у за от о для это а то но его все так или же он бы мы вы при до только она если может был их чтобы было будет который также уже этот
ukr||windows-1251 koi8-u iso-8859-5|і в не на з що та до у за від для як це й а про його є або по то але з він ми ви при може якщо був їх щоб було буде який також цей
bul||windows-1251 iso-8859-5|и на да в от за се с не по е че са като или до при но това които беше може който както тази след има само още
srp||windows-1251 iso-8859-5|и у је на се да су за од са о који а као из то не или по није што би ће која може бити само али како
bel||windows-1251|і ў не на з што як да у за ад для гэта а то але яго або па ён мы вы пры быў іх каб было будзе які таксама
ell||iso-8859-7 windows-1253|και το η να του της με την για που ο στο από είναι τα τον οι σε θα ως στην των δεν τη τους αυτό ή έχει αν μια
heb||windows-1255 iso-8859-8|של את על לא הוא זה עם כי היא גם או אם כל יש אל מה אני אך בין רק לפי היה כדי אין זו אבל יותר אחרי ידי
ara||windows-1256 iso-8859-6|في من على إلى أن ما عن هذا مع التي هذه كان لا الذي ذلك بعد أو كما قد بين لم كل وقد حيث عند إذا هو هي غير
fas||windows-1256|و در به از که این را با است برای آن یک تا می بر های شده هم نیز خود کرد شود باید او دو ها یا
urd||windows-1256|کے کی میں ہے اور سے کا کو اس نے ہیں پر یہ کہ ایک تھا بھی جو نہیں کر ہو وہ گیا لیے
tha||windows-874|ที่ และ ใน ของ มี เป็น ได้ การ ไม่ ให้ จะ
`
