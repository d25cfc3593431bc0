// SPDX-License-Identifier: MIT

/// Holds the style of the page: its own, with that of the charts.
enum PageStyle {
    static let css = own + ChartTheme.css

    private static let own = """
        :root{color-scheme:light dark;--page:#f3f5f8;--surface:#fff;--text:#1f2933;--muted:#556070;--line:#dfe3e8;
        --good:#00664a;--good-bg:#e3f5ee;--bad:#a11b1b;--bad-bg:#fdeaea;--link:#005a8f}
        @media (prefers-color-scheme:dark){:root{--page:#0e1115;--surface:#171b21;--text:#e8ecf1;--muted:#a9b4c2;
        --line:#323945;--good:#5fd6ae;--good-bg:#10291f;--bad:#ff9d9d;--bad-bg:#361718;--link:#7cc4f5}}
        *{box-sizing:border-box}
        html{font-size:clamp(16px,.5vw + 11px,30px);-webkit-text-size-adjust:100%}
        body{margin:0;background:var(--page);color:var(--text);
        font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;line-height:1.5}
        main,header,footer{max-width:112rem;margin:0 auto;padding:0 clamp(.75rem,2.5vw,2.5rem)}
        header{padding-top:clamp(1.25rem,3vw,2.5rem)}footer{padding-bottom:2.5rem;color:var(--muted)}
        h1{font-size:clamp(1.5rem,1.1rem + 1.6vw,2.4rem);line-height:1.2;margin:0 0 .4rem;letter-spacing:-.01em}
        h2{font-size:1.35rem;line-height:1.25;margin:2.4rem 0 .9rem}h3{font-size:1.05rem;margin:0 0 .6rem}
        p{margin:.4rem 0;max-width:75ch}header p{max-width:none}a{color:var(--link)}.muted{color:var(--muted)}
        code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.9em;overflow-wrap:anywhere}
        .verdict{display:inline-block;margin:1rem 0 .2rem;padding:.6rem 1rem;border-radius:.6rem;font-size:1.15rem;
        font-weight:600;background:var(--surface);border:1px solid var(--line);border-left:.4rem solid var(--muted)}
        .verdict.good{color:var(--good);background:var(--good-bg);border-color:var(--good)}
        .verdict.bad,.warning{color:var(--bad);background:var(--bad-bg);border-color:var(--bad)}
        .warning{padding:.5rem .9rem;border-radius:.5rem;border:1px solid var(--bad);max-width:none}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,9rem),1fr));gap:1rem;margin:1rem 0}
        .card,figure,.words>section,.panel{background:var(--surface);border:1px solid var(--line);border-radius:.8rem}
        .card{padding:.9rem 1.1rem}.card strong{display:block;font-size:1.9rem;line-height:1.2;letter-spacing:-.01em;
        font-variant-numeric:tabular-nums}.card span{color:var(--muted);display:block}
        .words{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem}
        .words>section{padding:1rem 1.2rem}.words ul{margin:0;padding-left:1.1rem}.words li{margin:.45rem 0}
        .grid>.panel{margin:0}.grid{display:grid;
        grid-template-columns:repeat(auto-fit,minmax(min(100%,max(34rem,40%)),1fr));
        gap:1rem;align-items:start}
        figure{margin:0;padding:1rem 1.1rem;container-type:inline-size;min-width:0}
        figure svg{display:block;width:100%;height:auto}figure svg.form-narrow{display:none}
        @container (max-width:28rem){figure svg.form-wide{display:none}figure svg.form-narrow{display:block}}
        figcaption{color:var(--muted);font-size:.92rem;margin-top:.6rem}
        details{margin-top:.6rem}summary{cursor:pointer;color:var(--link);padding:.3rem 0}
        summary:focus-visible,a:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
        .scroll{overflow-x:auto}.panel{padding:1rem 1.1rem;margin-bottom:1rem}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem;width:100%}
        th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
        th:first-child,td:first-child{text-align:left;padding-left:0}thead th,thead td{border-bottom:2px solid var(--line)}
        th{font-weight:600}tbody th{font-weight:400}td small{display:block;color:var(--muted)}
        #overview{max-width:60rem}#pairs{margin-top:1rem}
        @media (max-width:30rem){th,td{padding:.3rem .35rem}table{font-size:.85rem}}
        @media print{details,.files{display:none}figure,.card,.words>section{break-inside:avoid}}

        """
}
