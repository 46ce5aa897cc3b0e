/** VitePress's own theme with the reader's fonts: a page of documentation has no need to load any. */
import DefaultTheme from 'vitepress/theme-without-fonts';
import './site.css';

export default DefaultTheme;
