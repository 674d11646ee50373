# ruff: noqa: E501  (vocabulary is kept in long lines)
"""Vocabulary of the other languages for synthetic prompts: each has five topics, free requests, frames and inputs.

Modifiers stand after the noun, so that no adjective has to agree with anything.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tongue:
    """What one language offers; lists are split on `|`."""

    space: str
    stop: str
    modifiers: str
    openers: str
    tails: str
    topics: tuple[tuple[str, str], ...]
    free: tuple[str, ...]
    follow_ups: tuple[str, ...]
    frames: tuple[tuple[str, ...], ...]  # roles, tasks, rules, reasoning, formats
    inputs: tuple[str, ...]


CHINESE = Tongue(
    "", "。",
    "旧的|新的|共用的|缺失的|每周的|本地的|临时的|复杂的|重要的|自动的|公开的|季节性的|第二份|最后的|常见的|不稳定的",
    "||目前，|据我所知，|上个星期，|实际上，|在我们公司，|有时候，|另一方面，|一般来说，|去年以来，|奇怪的是，|最近，",
    "已经{n}天了|占{n}%左右|在第{n}页|超过{n}次|在{n}号房间|大约{n}分钟|从{n}周前开始|共{n}人|在第{m}章|每{n}小时一次|价格低于{n}元|没有任何提示",
    (
        ("登录页面|单元测试|缓存服务|配置文件|消息队列|数据库索引|日志系统|发布分支|接口文档|后台任务", "依赖于|覆盖了|阻塞了|调用了|替换了|拖慢了"),
        ("销售报表|客户名单|预算计划|银行贷款|税务申报|工资单|库存记录|采购合同|发票|现金流", "超过了|抵消了|对应于|推迟了|包含了|减少了"),
        ("血压记录|睡眠日记|饮食计划|疫苗接种|康复训练|门诊预约|体检报告|膝盖疼痛|过敏反应|药物剂量", "影响了|加重了|改善了|掩盖了|跟随着|取决于"),
        ("二次方程|概率模型|几何证明|磁场|光学实验|细胞膜|化学反应|电路图|引力|向量空间", "推导出|等价于|收敛到|限制了|生成了|包含"),
        ("古城墙|贸易路线|夜班火车|豆腐汤|茶园|山间旅馆|旧书信|灯塔|春节晚会|博物馆门票", "连接着|始于|不同于|适合搭配|记载了|先于"),
    ),
    (
        "{请问|请解释|能不能说明}为什么<np><verb><np>？", "{帮我写|请写}一封关于<np>的{邮件|信}。<s:1-4>", "<s:1-3>{怎么办？|这正常吗？|有什么建议？}",
        "{请总结|总结一下}{以下内容|这段话}：<s:3-14>", "{请翻译成英文|翻译成英语}：<s:1-6>", "{比较|说明}<np>和<np>的区别。<s:0-2>", "<s:1-3>{请一步一步思考。|请写出思考过程。}", "{代码报错|这段代码有问题}：\n<code:3-12>\n<s:0-2>",
        "{给我|列出}<num>个关于<np>的例子。", "{润色|修改}下面的文字：<s:2-9>", "{讲一个|写一个}关于<np>和<np>的故事。",
    ),
    ("{短一点|再简短一些}", "{谢谢|多谢}", "{继续|请继续}", "为什么？", "那么<np>呢？", "{再试一次|重新来}", "<s:1-1>"),
    (
        ("你是一名{经验丰富的|资深的}助手，{负责|专门处理}[np]和[np]。", "{请扮演|请作为}[name]的审核员，{检查|查看}[np]。", "任务[n]：{处理|分析}与[np]有关的记录。"),
        ("{判断|确定}[np]是否[verb][np]，并{说明|给出}{主要|最重要的}理由。", "{提取|找出}文中所有[np]、[np]和[np]。", "{按照|根据}[np]、[np]给答案打[n]分以内的分数。", "{写出|生成}[n]个关于[np]的问题。"),
        ("如果没有[np]，{请回答|请写}[label]。", "[np]比[np]{更重要|优先}。", "{不要|禁止}提及[np]。", "{最多|不超过}[n]字。", "{保持|务必}客观[即使[np][verb][np]|]。"),
        ("{请先|首先}{一步一步|逐步}写出{完整的|全部的}思考过程，{然后|再}给出答案。", "{记录|写下}每一个中间步骤，{包括|以及}被放弃的想法。", "{详细说明|解释}你{如何|怎样}得出每个判断[，至少[n]步|]。"),
        ("{只|仅}输出JSON，键为[label]和[label]。", "{用|以}[两|三]段话回答，最后写[label]。", "{把|将}结果放在<<[label]>>之间。"),
    ),
    ("{文本|输入|原文}：", "案例<num>：", "【[label]】", "\n---\n"),
)

SPANISH = Tongue(
    " ", ". ",
    "de la semana pasada|del año nuevo|sin terminar|de siempre|de prueba|con retraso|del vecino|de segunda mano|en papel|para todos|de verano|a medias|de la oficina|sin nombre|del primer piso|de emergencia",
    "||En nuestro caso, |Que yo sepa, |Desde el lunes, |En la práctica, |Por otro lado, |A veces, |Según las notas, |Hoy en día, |En el peor caso, |Como regla, ",
    "desde hace {n} días|en {n} de cada {m} casos|por {n} euros|en la página {n}|para {n} personas|cada {n} horas|con {n} minutos de retraso|en la sala {n}|tras {n} intentos|durante la semana {n}|sin previo aviso",
    (
        ("la página de acceso|el servidor de copias|la tabla de ventas|el informe mensual|la cola de mensajes|el archivo de configuración|la prueba automática|la rama principal|el panel de control|el índice", "depende de|bloquea|reemplaza|contradice|llama a|retrasa"),
        ("la factura|el contrato de alquiler|la declaración de impuestos|el préstamo|la nómina|el seguro|la cuenta de ahorro|el presupuesto|la multa|el recibo", "supera|compensa|incluye|se firmó con|anula|reduce"),
        ("la ecuación|el campo magnético|la célula|el péndulo|la matriz|el triángulo|la reacción|el teorema|la probabilidad|el circuito", "implica|equivale a|contiene|genera|limita|absorbe"),
        ("el puerto|la muralla|el tren nocturno|la sopa de lentejas|el museo|la posada|el mercado|la carta perdida|el faro|la feria", "precede a|combina con|está cerca de|recuerda a|espera a|sigue a"),
        ("la dieta|el análisis de sangre|la cita médica|el dolor de rodilla|el turno de noche|la alergia|el diario de sueño|la vacuna|la receta|el tratamiento", "empeora con|mejora con|sigue a|enmascara|se mide con|depende de"),
    ),
    (
        "{¿Puedes explicar|Explica} por qué <np><verb><np>?", "{Escribe|Redacta} {un correo|una carta} sobre <np>. <s:1-4>", "<s:1-3>{¿Qué hago?|¿Es normal?|¿Alguna idea?}", "{Resume|Haz un resumen de} {esto|el texto}: <s:3-14>",
        "{Traduce al inglés|Pásalo al inglés}: <s:1-6>", "{Compara|Diferencia entre} <np>y <np><s:0-2>", "<s:1-3>{Explica tu razonamiento.|Hazlo paso a paso.}", "{Mi código falla|¿Por qué no funciona?}\n<code:3-12>\n<s:0-2>", "{Dame|Necesito} <num>{ideas|ejemplos} sobre <np>.", "{Corrige|Mejora} {este texto|el párrafo}: <s:2-9>",
    ),
    ("{más corto|hazlo más breve}", "{gracias|muchas gracias}", "{sigue|continúa}", "¿por qué?", "¿y <np>?", "{otra vez|inténtalo de nuevo}", "<s:1-1>"),
    (
        ("Eres {un asistente|una ayudante} {con experiencia|de confianza} que {atiende|resuelve} dudas sobre [np] y [np]. ", "{Trabajas|Respondes} para [name], {a cargo de|responsable de} [np]. ", "Tarea [n]: {revisa|comprueba} [np]. "),
        ("{Decide|Determina} si [np] [verb] [np] y {da|indica} el motivo {principal|más fuerte}. ", "{Extrae|Reúne} toda mención de [np], [np] y [np]. ", "{Califica|Puntúa} la respuesta de 0 a [n] según [np] y [np]. ", "{Escribe|Crea} [n] preguntas sobre [np]. "),
        ("Si falta [np], {responde|escribe} [label]. ", "[np] {importa más|pesa más} que [np]. ", "{Nunca|No} {menciones|cites} [np]. ", "{Como máximo|No más de} [n] {palabras|frases}. "),
        ("{Imagina|Reconstruye} el razonamiento {interno|completo} {paso a paso|en orden} {antes de|y luego} responder. ", "{Anota|Escribe} cada paso intermedio, {incluidas|también} las ideas descartadas. "),
        ("{Devuelve|Entrega} {solo|únicamente} JSON con [label] y [label]. ", "{Responde|Contesta} en [dos|tres] párrafos y termina con [label]. "),
    ),
    ("{Texto|Entrada}: ", "Caso <num>: ", "### [label]\n", "\n---\n"),
)

GERMAN = Tongue(
    " ", ". ",
    "aus dem Vorjahr|ohne Namen|der Nachbarn|im Erdgeschoss|auf Papier|mit Verspätung|von gestern|der zweiten Gruppe|für alle|aus dem Archiv|zur Probe|ohne Frist|am Bahnhof|im Keller|der Verwaltung|auf Vorrat",
    "||Bei uns gilt: |Soweit ich weiß, |Seit Montag: |In der Praxis, |Manchmal: |Laut Protokoll: |Im schlimmsten Fall: |Grundsätzlich: |Kurz gesagt: ",
    "seit {n} Tagen|in {n} von {m} Fällen|für {n} Euro|auf Seite {n}|mit {n} Leuten|alle {n} Stunden|mit {n} Minuten Verspätung|in Raum {n}|nach {n} Versuchen|in Woche {n}|ohne Vorwarnung",
    (
        ("die Anmeldeseite|der Sicherungsserver|die Umsatztabelle|der Monatsbericht|die Warteschlange|die Konfiguration|der Komponententest|der Hauptzweig|die Übersicht|der Index", "blockiert|ersetzt|verlangsamt|überschreibt|ruft auf|stört"),
        ("die Rechnung|der Mietvertrag|die Steuererklärung|der Kredit|die Lohnliste|die Versicherung|das Sparkonto|der Haushaltsplan|die Mahnung|die Quittung", "übersteigt|enthält|ersetzt|verringert|betrifft|verzögert"),
        ("die Gleichung|das Magnetfeld|die Zelle|das Pendel|die Matrix|das Dreieck|die Reaktion|der Lehrsatz|die Wahrscheinlichkeit|der Stromkreis", "begrenzt|erzeugt|enthält|teilt|schneidet|beschreibt"),
        ("der Hafen|die Stadtmauer|der Nachtzug|die Linsensuppe|das Museum|das Gasthaus|der Markt|der verlorene Brief|der Leuchtturm|das Winterfest", "überdauert|finanziert|verbindet|begleitet|schließt|erinnert an"),
        ("die Diät|das Blutbild|der Arzttermin|der Knieschmerz|die Nachtschicht|die Allergie|das Schlaftagebuch|die Impfung|das Rezept|die Behandlung", "verschlimmert|verbessert|überdeckt|begleitet|ersetzt|beeinflusst"),
    ),
    (
        "{Kannst du erklären|Erkläre bitte}, warum <np>so ist? <s:0-2>", "{Schreib|Verfasse} {eine Mail|einen Brief} über Folgendes: <s:1-4>", "<s:1-3>{Was soll ich tun?|Ist das normal?|Hast du eine Idee?}", "{Fasse zusammen|Kurzfassung bitte}: <s:3-14>", "{Übersetze ins Englische|Auf Englisch bitte}: <s:1-6>",
        "{Vergleiche|Unterschied}: <np>und <np><s:0-2>", "<s:1-3>{Bitte Schritt für Schritt.|Zeige deine Überlegung.}", "{Mein Code läuft nicht|Warum geht das nicht?}\n<code:3-12>\n<s:0-2>", "{Nenne|Ich brauche} <num>{Ideen|Beispiele}: <np>", "{Verbessere|Korrigiere} {diesen Absatz|den Text}: <s:2-9>",
    ),
    ("{kürzer bitte|mach es kürzer}", "{danke|vielen Dank}", "{weiter|mach weiter}", "warum?", "und <np>?", "{noch einmal|bitte nochmal}", "<s:1-1>"),
    (
        ("Du bist {ein erfahrener|ein sorgfältiger} Assistent und {hilfst|berätst} zu Fragen rund um: [np], [np]. ", "{Du arbeitest|Du antwortest} für [name] und {betreust|prüfst} [np]. ", "Aufgabe [n]: {prüfe|begutachte} [np]. "),
        ("{Entscheide|Bestimme}, ob [np] [verb]: [np]; {nenne|gib} den {wichtigsten|stärksten} Grund. ", "{Sammle|Finde} jede Erwähnung von: [np], [np], [np]. ", "{Bewerte|Benote} die Antwort von 0 bis [n] nach: [np], [np]. ", "{Schreibe|Erstelle} [n] Fragen zu: [np]. "),
        ("Fehlt [np], {antworte|schreibe} [label]. ", "[np] {zählt mehr|wiegt schwerer} als [np]. ", "{Nenne|Erwähne} {niemals|auf keinen Fall}: [np]. ", "{Höchstens|Nicht mehr als} [n] {Wörter|Sätze}. "),
        ("{Stelle|Schreibe} {vor der Antwort|zuerst} {den ganzen|jeden} Gedankengang {Schritt für Schritt|der Reihe nach} dar. ", "{Halte|Lege} jeden Zwischenschritt fest, {auch|ebenso} verworfene Ideen. "),
        ("{Gib|Liefere} {nur|ausschließlich} JSON mit [label] und [label]. ", "{Antworte|Schreibe} in [zwei|drei] Absätzen, am Ende [label]. "),
    ),
    ("{Text|Eingabe}: ", "Fall <num>: ", "### [label]\n", "\n---\n"),
)

JAPANESE = Tongue(
    "", "。",
    "古い|新しい|共有の|不足している|毎週の|地域の|仮の|複雑な|重要な|自動の|公開中の|季節の|二番目の|最後の|よくある|不安定な",
    "||現在、|私の知る限り、|先週から、|実際には、|弊社では、|時々、|一方で、|一般的に、|昨年以降、|不思議なことに、",
    "はもう{n}日になります|は約{n}%です|は{n}ページにあります|は{n}回以上です|は{n}号室です|はおよそ{n}分です|は{n}週間前からです|は{n}人です|は第{m}章です|は{n}時間ごとです|は{n}円以下です",
    (
        ("ログイン画面|単体テスト|キャッシュ|設定ファイル|待ち行列|索引|ログ|公開ブランチ|仕様書|夜間処理", "は依存していて、|は上書きされ、|は止まってしまい、|は呼び出され、|は置き換えられ、"),
        ("売上表|顧客名簿|予算案|銀行融資|確定申告|給与明細|在庫記録|契約書|請求書|資金計画", "は超過しており、|は相殺され、|は対応していて、|は延期され、|は含まれ、"),
        ("血圧の記録|睡眠日誌|食事計画|予防接種|リハビリ|診察予約|検査結果|膝の痛み|アレルギー|薬の量", "は影響を受け、|は悪化し、|は改善し、|は隠れており、|は続いており、"),
        ("二次方程式|確率の模型|証明|磁場|光の実験|細胞膜|化学反応|回路図|引力|ベクトル空間", "は導かれ、|は同値であり、|は収束し、|は制限され、|は生成され、"),
        ("古い城壁|交易路|夜行列車|味噌汁|茶畑|山の宿|古い手紙|灯台|雪祭り|博物館", "はつながっていて、|は始まり、|は異なっており、|は合っていて、|は記録され、"),
    ),
    (
        "{なぜ|どうして}<np><verb><np>どうなりますか？", "<np>について{メール|手紙}を{書いて|作って}ください。<s:1-4>", "<s:1-3>{どうすればいいですか？|これは普通ですか？}", "{要約して|まとめて}ください：<s:3-14>", "{英語に訳して|英訳して}ください：<s:1-6>", "{コードが動きません|エラーが出ます}：\n<code:3-12>\n<s:0-2>", "{次の文章|この文}を{直して|整えて}ください：<s:2-9>",
    ),
    ("{短くして|もっと短く}", "{ありがとう|どうも}", "{続けて|続きをお願い}", "なぜですか？", "{もう一度|やり直して}", "<s:1-1>"),
    (
        ("あなたは{経験豊かな|慎重な}助手で、[np]と[np]を{担当|支援}します。", "{[name]の担当者|[name]の審査係}として、[np]を確認してください。", "課題[n]：[np]を{処理|分析}してください。"),
        ("[np][verb][np]が正しいか{判断|判定}し、{主な|最大の}理由を{示して|述べて}ください。", "[np]と[np]に関する記述を全て{抜き出して|集めて}ください。", "[np]を基準に0から[n]で{採点|評価}してください。", "[np]について質問を[n]個{作って|書いて}ください。"),
        ("[np]がない場合は[label]と{答えて|書いて}ください。", "[np]を{優先|重視}します。", "[np]には{触れないで|言及しないで}ください。", "[n]字{以内|まで}。"),
        ("{まず|最初に}{思考の過程|考えた道筋}を{一歩ずつ|順番に}全て書き、{それから|その後}答えてください。", "は{途中の段階|は中間の考え}を、{捨てた案|は没案}も含めて記録してください。"),
        ("JSON{だけ|のみ}を出力し、キーは[label]と[label]。", "[二|三]段落で{答え|回答し}、最後に[label]と書く。"),
    ),
    ("{本文|入力}：", "事例<num>：", "【[label]】", "\n---\n"),
)

PORTUGUESE = Tongue(
    " ", ". ",
    "da semana passada|do ano novo|sem nome|de sempre|de teste|com atraso|do vizinho|de segunda mão|em papel|para todos|de verão|pela metade|do escritório|do primeiro andar|de emergência|do arquivo",
    "||No nosso caso, |Que eu saiba, |Desde segunda, |Na prática, |Por outro lado, |Às vezes, |Segundo as notas, |Hoje em dia, |No pior caso, ",
    "há {n} dias|em {n} de {m} casos|por {n} reais|na página {n}|para {n} pessoas|a cada {n} horas|com {n} minutos de atraso|na sala {n}|após {n} tentativas|na semana {n}",
    (
        ("a página de entrada|o servidor de cópias|a tabela de vendas|o relatório mensal|a fila de mensagens|o arquivo de configuração|o teste automático|o ramo principal|o painel|o índice", "depende de|bloqueia|substitui|contradiz|chama|atrasa"),
        ("a fatura|o contrato de aluguel|a declaração de imposto|o empréstimo|a folha de pagamento|o seguro|a poupança|o orçamento|a multa|o recibo", "supera|compensa|inclui|anula|reduz|altera"),
        ("a equação|o campo magnético|a célula|o pêndulo|a matriz|o triângulo|a reação|o teorema|a probabilidade|o circuito", "implica|equivale a|contém|gera|limita|absorve"),
        ("o porto|a muralha|o trem noturno|a sopa de lentilha|o museu|a pousada|a feira|a carta perdida|o farol|o mercado", "precede|combina com|fica perto de|lembra|espera|segue"),
        ("a dieta|o exame de sangue|a consulta|a dor no joelho|o turno da noite|a alergia|o diário de sono|a vacina|a receita|o tratamento", "piora com|melhora com|segue|esconde|depende de"),
    ),
    (
        "{Pode explicar|Explique} por que <np><verb><np>?", "{Escreva|Redija} {um e-mail|uma carta} sobre <np>. <s:1-4>", "<s:1-3>{O que eu faço?|É normal?|Alguma ideia?}", "{Resuma|Faça um resumo}: <s:3-14>", "{Traduza para o inglês|Passe para o inglês}: <s:1-6>",
        "{Meu código falha|Por que não funciona?}\n<code:3-12>\n<s:0-2>", "{Preciso de|Liste} <num>{ideias|exemplos} sobre <np>.", "{Corrija|Melhore} {este texto|o parágrafo}: <s:2-9>",
    ),
    ("{mais curto|encurte}", "{obrigado|valeu}", "{continue|segue}", "por quê?", "e <np>?", "{de novo|tente outra vez}", "<s:1-1>"),
    (
        ("Você é {um assistente|uma assistente} {com experiência|de confiança} que {atende|resolve} dúvidas sobre [np] e [np]. ", "{Você trabalha|Você responde} para [name], {cuidando de|responsável por} [np]. ", "Tarefa [n]: {revise|confira} [np]. "),
        ("{Decida|Determine} se [np] [verb] [np] e {dê|indique} o motivo {principal|mais forte}. ", "{Extraia|Reúna} toda menção a [np], [np] e [np]. ", "{Avalie|Pontue} a resposta de 0 a [n] segundo [np] e [np]. "),
        ("Se faltar [np], {responda|escreva} [label]. ", "[np] {importa mais|pesa mais} que [np]. ", "{Nunca|Não} {mencione|cite} [np]. ", "{No máximo|Até} [n] {palavras|frases}. "),
        ("{Imagine|Reconstrua} o raciocínio {interno|completo} {passo a passo|em ordem} {antes de|e depois} responder. ", "{Anote|Escreva} cada passo, {inclusive|também} as ideias descartadas. "),
        ("{Devolva|Entregue} {só|apenas} JSON com [label] e [label]. ", "{Responda|Conteste} em [dois|três] parágrafos e termine com [label]. "),
    ),
    ("{Texto|Entrada}: ", "Caso <num>: ", "### [label]\n", "\n---\n"),
)

ARABIC = Tongue(
    " ", ". ",
    "من الأسبوع الماضي|بلا اسم|للجميع|على الورق|مع تأخير|من الأرشيف|في المكتب|للتجربة|في الطابق الأول|من الجيران|للطوارئ|في الصيف",
    "||في حالتنا، |على حد علمي، |منذ الاثنين، |عمليا، |من ناحية أخرى، |أحيانا، |وفقا للملاحظات، |في أسوأ الأحوال، ",
    "منذ {n} يوما|في {n} من {m} حالة|بسعر {n} دولارا|في الصفحة {n}|لعدد {n} أشخاص|كل {n} ساعات|بتأخير {n} دقيقة|في القاعة {n}|بعد {n} محاولات",
    (
        ("صفحة الدخول|خادم النسخ|جدول المبيعات|التقرير الشهري|ملف الإعدادات|الاختبار الآلي|لوحة المتابعة|الفهرس", "يعتمد على|يعطل|يستبدل|يخالف|يؤخر"),
        ("الفاتورة|عقد الإيجار|القرض|كشف الرواتب|التأمين|حساب التوفير|الميزانية|الإيصال", "يتجاوز|يعوض|يشمل|يلغي|يخفض"),
        ("المعادلة|المجال المغناطيسي|الخلية|البندول|المصفوفة|المثلث|التفاعل|النظرية", "يكافئ|يحتوي على|ينتج|يحد من|يمتص"),
        ("الميناء|سور المدينة|قطار الليل|شوربة العدس|المتحف|النزل|السوق|المنارة", "يسبق|يناسب|يقع قرب|يذكر بـ|ينتظر"),
        ("الحمية|تحليل الدم|موعد الطبيب|ألم الركبة|المناوبة الليلية|الحساسية|اللقاح|الوصفة", "يسوء مع|يتحسن مع|يتبع|يخفي|يقاس مع"),
    ),
    (
        "{هل يمكنك أن تشرح|اشرح} لماذا <np><verb><np>؟", "{اكتب|صغ} {رسالة|بريدا} عن <np>. <s:1-4>", "<s:1-3>{ماذا أفعل؟|هل هذا طبيعي؟}", "{لخص|اختصر}: <s:3-14>", "{ترجم إلى الإنجليزية|ترجم}: <s:1-6>", "{الشيفرة لا تعمل|لماذا لا يعمل هذا؟}\n<code:3-12>\n<s:0-2>", "{صحح|حسن} {هذا النص|الفقرة}: <s:2-9>",
    ),
    ("{أقصر من فضلك|اختصره}", "{شكرا|شكرا جزيلا}", "{تابع|أكمل}", "لماذا؟", "{مرة أخرى|حاول ثانية}", "<s:1-1>"),
    (
        ("أنت {مساعد|مدقق} {خبير|موثوق} {يجيب|يساعد} في [np] و [np]. ", "{تعمل|تجيب} لدى [name] {مسؤولا عن|مشرفا على} [np]. ", "المهمة [n]: {راجع|افحص} [np]. "),
        ("{قرر|حدد} هل [np] [verb] [np] و{اذكر|بين} السبب {الرئيسي|الأقوى}. ", "{استخرج|اجمع} كل ذكر لـ [np] و [np]. ", "{قيم|امنح} الجواب من 0 إلى [n] حسب [np]. "),
        ("إذا غاب [np] {فاكتب|فأجب} [label]. ", "[np] {أهم|أثقل} من [np]. ", "{لا تذكر|تجنب} [np]. ", "{لا تتجاوز|بحد أقصى} [n] {كلمة|جملة}. "),
        ("{اكتب|بين} {كل خطوات|مسار} التفكير {خطوة خطوة|بالترتيب} {قبل|ثم} الجواب. ", "{سجل|دون} كل خطوة، {ومنها|وكذلك} الأفكار المتروكة. "),
        ("{أعد|أخرج} JSON {فقط|وحده} بالمفتاحين [label] و [label]. ", "{أجب|اكتب} في [فقرتين|ثلاث فقرات] واختم بـ [label]. "),
    ),
    ("{النص|المدخل}: ", "حالة <num>: ", "### [label]\n", "\n---\n"),
)

OTHERS = {"zh": CHINESE, "es": SPANISH, "de": GERMAN, "ja": JAPANESE, "pt": PORTUGUESE, "ar": ARABIC}
