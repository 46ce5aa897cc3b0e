/** The tabs: one panel is seen at a time; arrows, Home and End move among them, as screen readers expect of tabs. */
import { byId } from './dom.ts';

export const TABS = ['chat', 'compare', 'batch', 'what-if'] as const;
export type Tab = (typeof TABS)[number];

const buttons = new Map(TABS.map((tab) => [tab, byId(`tab-${tab}`, HTMLButtonElement)]));
const panels = new Map(TABS.map((tab) => [tab, byId(tab, HTMLDivElement)]));
const skip = byId('skip', HTMLAnchorElement);

let shown: (tab: Tab) => void = () => {};

export function showTab(tab: Tab): void {
  for (const each of TABS) {
    const button = buttons.get(each)!;
    button.setAttribute('aria-selected', String(each === tab));
    // One stop for the Tab key; the arrows do the rest.
    button.tabIndex = each === tab ? 0 : -1;
    panels.get(each)!.hidden = each !== tab;
  }
  skip.href = tab === 'chat' ? '#prompt' : `#${tab}-main`;
  skip.textContent = tab === 'chat' ? 'Skip to the prompt' : 'Skip to the content';
  shown(tab);
}

const isTab = (name: string): name is Tab => (TABS as readonly string[]).includes(name);

/** Opens the tab that the address names, else the first. @param onShow called whenever another one is seen */
export function startTabs(onShow: (tab: Tab) => void): void {
  shown = onShow;
  const open = (tab: Tab) => {
    showTab(tab);
    history.replaceState(null, '', tab === 'chat' ? location.pathname : `#${tab}`);
  };
  for (const [tab, button] of buttons) {
    button.addEventListener('click', () => open(tab));
    button.addEventListener('keydown', ({ key }) => {
      const at = TABS.indexOf(tab);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[key];
      if (to === undefined) return;
      const next = TABS.at(to % TABS.length)!;
      open(next);
      buttons.get(next)!.focus();
    });
  }
  const named = location.hash.slice(1);
  showTab(isTab(named) ? named : 'chat');
}
